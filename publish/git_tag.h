#pragma once

/*
 * Annotated tags in a git repository, over libgit2: read, write, push; and files as they were.
 *
 * The text of a tag is a value that others make and sign. A lightweight tag is never made, and
 * never taken for a tag.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct repo;

#define REPO_ID_SIZE 65 /* up to 64 hexadecimal digits and the terminator */

/*
 * Opens the repository that holds `path`. ERR_NOT_FOUND when there is none, ERR_IO; a repository
 * of another user is refused with the command that allows it.
 */
int repo_open(const char *path, struct repo **ret_repo, struct error *err) CHECKED;
void repo_free(struct repo *repo);
void repo_freep(struct repo **repo); /* for AUTO() */

/* The commit that HEAD, or any other revision, stands for. ERR_NOT_FOUND. */
int repo_commit(struct repo *repo, const char *revision, char ret_id[REPO_ID_SIZE],
		struct error *err) CHECKED;

/*
 * The configured "NAME <EMAIL>", to be freed by the caller; NULL when none is configured.
 */
char *repo_identity(struct repo *repo) CHECKED;

/* The URL of a configured remote, to be freed by the caller, or NULL. */
char *repo_remote_url(struct repo *repo, const char *remote) CHECKED;

/*
 * The raw text of the annotated tag that refs/tags/NAME points at, to be freed by the caller, and
 * its id. ERR_NOT_FOUND; ERR_VERIFY for a lightweight tag.
 */
int repo_tag_read(struct repo *repo, const char *name, char **ret_text, size_t *ret_length,
		  char ret_id[REPO_ID_SIZE], struct error *err) CHECKED;

/*
 * Stores the text as a tag object under its name. Returns 1 when it was made, 0 when the same
 * object is there already. ERR_BUSY when the name holds another object, which is left alone;
 * ERR_INPUT for a name that git does not allow. With `dry_run` only the checks are made.
 */
int repo_tag_write(struct repo *repo, const char *name, const char *text, bool dry_run,
		   char ret_id[REPO_ID_SIZE], struct error *err) CHECKED;

/*
 * The release before `name`: of all annotated tags that begin with 'v' and a digit, the one with
 * the highest version below it, to be freed by the caller, or NULL. Versions are compared as
 * strverscmp() does.
 */
char *repo_previous_tag(struct repo *repo, const char *name) CHECKED;

/*
 * The bytes that the file `path` had at a revision, terminated, to be freed by the caller. The path
 * is any path of that file in the working directory. ERR_NOT_FOUND: no such revision, or not there
 * then; ERR_INPUT: larger than `max_bytes`, outside of the repository.
 */
int repo_file_at(struct repo *repo, const char *revision, const char *path, size_t max_bytes,
		 char **ret_text, size_t *ret_length, struct error *err) CHECKED;

/*
 * The same by the file's path in the tree of the revision; works in a bare repository too.
 */
int repo_tree_file(struct repo *repo, const char *revision, const char *inside, size_t max_bytes,
		   char **ret_text, size_t *ret_length, struct error *err) CHECKED;

/*
 * Where and with what to push. For https a token is used, which is sent to the host of the URL
 * and to no other; for ssh the agent.
 */
struct repo_push {
	const char *url;   /* or the name of a remote; never with a password in it */
	const char *token; /* NULL for none */
	bool dry_run;      /* everything but the push itself */
};

/*
 * Pushes one tag, never by force. The remote's references are compared first and read again
 * afterwards. Returns 1 when it was sent, 0 when the remote has the same object already.
 * ERR_REMOTE: another object of this name (both ids are in the sentence), or refused by the
 * remote with its reason; ERR_NETWORK; ERR_INPUT when the remote is no name, URL or path that there
 * is; ERR_NOT_FOUND without such a tag here.
 */
int repo_tag_push(struct repo *repo, const char *name, const struct repo_push *push,
		  struct error *err) CHECKED;
