/* SPDX-License-Identifier: MIT */
#include "distributor/steps/throwaway.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/words.h"
#include "distributor/workspace/epoch.h"
#include "distributor/workspace/key_files.h"
#include "publish/git/git_make.h"
#include "publish/git/git_tag.h"
#include "sign/check/keyring.h"

#include <stdlib.h>
#include <string.h>

#define REHEARSAL_PRINCIPAL "throw-away@localhost"

enum { MAX_FILE = 16 << 20 };

/* Where in the list of files. */
enum { MATRIX, LOCK, KEY_LIST, FILES };

int
throwaway_needs_key(const struct workspace *work, const struct key_input *source, bool *ret_needs,
		    struct error *err)
{
	auto_free char *list = path_join(work->keys, KEY_LIST_NAME);
	const char *variable = getenv(KEY_VARIABLE);
	bool there;

	if (path_exists(list, &there, err) < 0)
		return -1;
	*ret_needs = !there && source->file == NULL && source->fd == KEY_NO_FD &&
		     (variable == NULL || *variable == '\0');
	return 0;
}

static int
make_key(const char *path, struct error *err)
{
	bool there;
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	AUTO(secret_clear) struct secret text = SECRET_INIT;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (there)
		return 0;
	if (signing_key_generate(&key, err) < 0 ||
	    signing_key_format(key, SIGNING_KEY_PEM, NULL, &text, err) < 0)
		return -1;
	return signing_key_write(path, &text, err);
}

int
throwaway_key(const struct workspace *work, char **ret_key, char **ret_keys, struct error *err)
{
	auto_free char *directory = path_join(work->out, "throw-away-key");
	auto_free char *path = path_join(directory, "release.pem");
	auto_free char *keys = path_join(directory, "keys");
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	AUTO(secret_clear) struct secret text = SECRET_INIT;

	if (make_directories(directory, err) < 0 || make_key(path, err) < 0 ||
	    secret_read_file(path, SIGNING_KEY_MAX_FILE, &text, err) < 0 ||
	    signing_key_parse(&text, NULL, &key, path, err) < 0 ||
	    key_files_write(keys, signing_key_public(key), REHEARSAL_PRINCIPAL, false, err) < 0)
		return -1;
	log_warning(
		"no signing key given: this release is signed with a THROW-AWAY KEY, '%s', which "
		"proves nothing about its origin; to create a real key, run 'distributor keygen'",
		path);
	*ret_key = TAKE(path);
	*ret_keys = TAKE(keys);
	return 0;
}

/* Whether the tag's tree has it; if it has it by another path, that is its path from now on. */
static int
find_tagged(struct repo *repo, const char *commit, bool by_contents, struct repo_file *file,
	    struct words *paths, struct error *err)
{
	char *inside = NULL;

	if (repo_find_contents(repo, commit, file->path, file->text, file->length, &inside, err) <
	    0)
		return -1;
	if (inside == NULL)
		return 0;
	if (strcmp(words_take(paths, inside), file->path) == 0)
		return 1;
	file->path = inside;
	return by_contents;
}

/* The tag of this version, if it is there, has these files: else it could never be released. */
static int
check_tag(const char *path, struct repo_file *files, struct words *paths, const char *tag,
	  struct error *err)
{
	AUTO(repo_freep) struct repo *repo = NULL;
	auto_free char *revision = xasprintf("refs/tags/%s", tag);
	char id[REPO_ID_SIZE];
	bool there;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	if (repo_open(path, &repo, err) < 0)
		return -1;
	if (repo_commit(repo, revision, id, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	for (size_t i = 0; i < FILES; i++) {
		int found = find_tagged(repo, id, i != KEY_LIST, &files[i], paths, err);

		if (found < 0)
			return -1;
		if (found == 0)
			return error_set(err, ERR_INPUT,
					 "%s is tagged with a different %s: increase the release "
					 "number in \"version\", or start with a new --out",
					 tag, i == KEY_LIST ? "list of keys" : "matrix or lock");
	}
	return 0;
}

static int
commit(const struct workspace *work, const char *path, struct repo_file *files, struct words *paths,
       struct error *err)
{
	const struct lock *lock = work->lock;
	auto_free char *message = xasprintf("%s %s\n", lock->name, lock->version);
	auto_free char *tag = xasprintf("v%s", lock->version);
	struct repo_content content = {.files = files,
				       .count = FILES,
				       .name = lock->name,
				       .email = REHEARSAL_PRINCIPAL,
				       .message = message,
				       .tag = tag};
	int made;

	if (check_tag(path, files, paths, tag, err) < 0)
		return -1;
	if (workspace_epoch(work, &content.time_sec, err) < 0)
		return -1;
	made = repo_make(path, &content, err);
	if (made > 0)
		log_info("created git repository '%s' for matrix, lock and tag", path);
	return made < 0 ? -1 : 0;
}

int
throwaway_repository(const struct workspace *work, char **ret_path, struct error *err)
{
	auto_free char *path = path_join(work->out, "repository.git");
	auto_free char *lock_path = workspace_lock_path(work);
	auto_free char *list = path_join(work->keys, KEY_LIST_NAME);
	auto_free char *list_text = NULL;
	auto_free char *matrix_inside = NULL, *lock_inside = NULL;
	AUTO(words_clear) struct words paths = WORDS_INIT;
	struct repo_file files[FILES] = {[KEY_LIST] = {.path = "keys/" KEY_LIST_NAME}};

	if (make_directories(work->out, err) < 0 ||
	    read_file(list, MAX_FILE, &list_text, &files[KEY_LIST].length, err) < 0 ||
	    repository_path(work->matrix_path, &matrix_inside, err) < 0 ||
	    repository_path(lock_path, &lock_inside, err) < 0)
		return -1;
	files[MATRIX].path = words_take(&paths, TAKE(matrix_inside));
	files[LOCK].path = words_take(&paths, TAKE(lock_inside));
	files[MATRIX].text = work->matrix->doc.text;
	files[MATRIX].length = work->matrix->doc.length;
	files[LOCK].text = work->lock_text;
	files[LOCK].length = work->lock_length;
	files[KEY_LIST].text = list_text;
	if (commit(work, path, files, &paths, err) < 0)
		return -1;
	*ret_path = TAKE(path);
	return 0;
}
