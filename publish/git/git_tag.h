/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Annotated tags in a git repository, over libgit2: read and write; and files as they were.
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
 * Opens the repository that holds `path`. ERR_NOT_FOUND only when there is none at `path` and above
 * it; ERR_INPUT without such a directory, and for a format that is not supported (with the command
 * that helps); ERR_IO for anything that cannot be read or lacks a part, and for a repository of
 * another user (with the command that allows it).
 */
int repo_open(const char *path, struct repo **ret_repo, struct error *err) CHECKED;
void repo_free(struct repo *repo);
void repo_freep(struct repo **repo); /* for AUTO() */

/* The repository was made by this program, and the caller holds the lock that keeps others out. */
void repo_set_own(struct repo *repo);

/*
 * The commit that HEAD, or any other revision, stands for. ERR_NOT_FOUND when HEAD has no commit
 * yet, or when there is no such revision; ERR_INPUT when it is not a commit; ERR_IO for all that
 * cannot be read.
 */
int repo_commit(struct repo *repo, const char *revision, char ret_id[REPO_ID_SIZE],
		struct error *err) CHECKED;

/*
 * The configured "NAME <EMAIL>", to be freed by the caller; NULL when none is configured. ERR_IO.
 */
int repo_identity(struct repo *repo, char **ret_identity, struct error *err) CHECKED;

/*
 * The raw text of the annotated tag that refs/tags/NAME points at, to be freed by the caller, and
 * its id. ERR_NOT_FOUND when there is none, for certain; ERR_VERIFY for a lightweight tag; ERR_IO.
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
 * the highest version below it, to be freed by the caller, or NULL. The order is that of
 * release_tag_compare(). ERR_IO.
 */
int
repo_previous_tag(struct repo *repo, const char *name, char **ret_tag, struct error *err) CHECKED;

/* Whether a tag is of an earlier release than the tag `name`, by its name. */
bool repo_is_before(const char *other, const char *name) CHECKED;

/*
 * Whether a tag that is not here is nowhere: the repository has no remote, and all of its history.
 */
bool repo_knows_all_tags(struct repo *repo) CHECKED;
bool repo_is_shallow(struct repo *repo) CHECKED;

/* Whether git fetches objects only when it needs them, so that files may be missing here. */
bool repo_is_partial(struct repo *repo) CHECKED;

/*
 * The path in the tree of the file that any path of the working directory names, to be freed by the
 * caller; NULL for a file elsewhere, and in a bare repository. ERR_IO.
 */
int
repo_work_path(struct repo *repo, const char *path, char **ret_inside, struct error *err) CHECKED;

/*
 * The path in the tree of a revision of a file that has these contents, to be freed by the caller,
 * or NULL. Of several rather `path`, or one with its last part. ERR_NOT_FOUND: no such revision; ERR_IO.
 */
int repo_find_contents(struct repo *repo, const char *revision, const char *path, const char *text,
		       size_t length, char **ret_inside, struct error *err) CHECKED;

/*
 * The bytes that the file `inside` of the tree had at a revision, terminated, to be freed by the
 * caller. ERR_NOT_FOUND: no such revision, or its tree does not have the file; ERR_INPUT: larger
 * than `max_bytes`; ERR_IO, also when a tree or the file's bytes are missing.
 */
int repo_tree_file(struct repo *repo, const char *revision, const char *inside, size_t max_bytes,
		   char **ret_text, size_t *ret_length, struct error *err) CHECKED;
