#include "distributor/rehearsal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "distributor/epoch.h"
#include "distributor/key_files.h"
#include "publish/git_make.h"
#include "sign/keyring.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REHEARSAL_PRINCIPAL "throw-away@localhost"

enum { MAX_FILE = 16 << 20 };

bool
rehearsal_needs_key(const struct app *app, const struct key_source *source)
{
	auto_free char *list = path_join(app->keys, KEY_LIST_NAME);
	const char *variable = getenv(KEY_VARIABLE);

	return source->file == NULL && source->fd == KEY_NO_FD &&
	       (variable == NULL || *variable == '\0') && access(list, F_OK) != 0;
}

static int
make_key(const char *path, struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	AUTO(secret_release) struct secret text = SECRET_INIT;

	if (access(path, F_OK) == 0)
		return 0;
	if (signing_key_generate(&key, err) < 0 ||
	    signing_key_format(key, SIGNING_KEY_PEM, NULL, &text, err) < 0)
		return -1;
	return signing_key_write(path, &text, err);
}

int
rehearsal_key(const struct app *app, char **ret_key, char **ret_keys, struct error *err)
{
	auto_free char *directory = path_join(app->out, "throw-away-key");
	auto_free char *path = path_join(directory, "release.pem");
	auto_free char *keys = path_join(directory, "keys");
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	AUTO(secret_release) struct secret text = SECRET_INIT;

	if (make_directories(directory, err) < 0 || make_key(path, err) < 0 ||
	    secret_read_file(path, SIGNING_KEY_MAX_FILE, &text, err) < 0 ||
	    signing_key_parse(&text, NULL, &key, path, err) < 0 ||
	    key_files_write(keys, signing_key_public(key), REHEARSAL_PRINCIPAL, false, err) < 0)
		return -1;
	log_warning("no signing key was given: this release is signed with a THROW-AWAY KEY, '%s', "
		    "that proves nothing about who made it; for a real one: distributor keygen",
		    path);
	*ret_key = TAKE(path);
	*ret_keys = TAKE(keys);
	return 0;
}

static int
commit(const char *path, const struct repo_file *files, size_t count, const struct lock *lock,
       struct error *err)
{
	auto_free char *message = xasprintf("%s %s\n", lock->name, lock->version);
	struct repo_content content = {.files = files,
				       .count = count,
				       .name = lock->name,
				       .email = REHEARSAL_PRINCIPAL,
				       .message = message};
	int made;

	if (source_date_epoch(lock, &content.time_sec, err) < 0)
		return -1;
	made = repo_make(path, &content, err);
	if (made > 0)
		log_info("made the git repository '%s' for matrix, lock and tag", path);
	return made < 0 ? -1 : 0;
}

int
rehearsal_repository(const struct app *app, char **ret_path, struct error *err)
{
	auto_free char *path = path_join(app->out, "repository.git");
	auto_free char *lock_path = app_lock_path(app);
	auto_free char *command = app_command(app, "lock", SHARED_MATRIX | SHARED_LOCK);
	auto_free char *list = path_join(app->keys, KEY_LIST_NAME);
	auto_free char *matrix_text = NULL, *lock_text = NULL, *list_text = NULL;
	AUTO(lock_release) struct lock lock = LOCK_INIT;
	struct repo_file files[] = {{.path = repository_path(app->matrix_path)},
				    {.path = repository_path(lock_path)},
				    {.path = "keys/" KEY_LIST_NAME}};

	if (make_directories(app->out, err) < 0 || lock_load(lock_path, command, &lock, err) < 0 ||
	    read_file(app->matrix_path, MAX_FILE, &matrix_text, &files[0].length, err) < 0 ||
	    read_file(lock_path, MAX_FILE, &lock_text, &files[1].length, err) < 0 ||
	    read_file(list, MAX_FILE, &list_text, &files[2].length, err) < 0)
		return -1;
	files[0].text = matrix_text;
	files[1].text = lock_text;
	files[2].text = list_text;
	if (commit(path, files, ARRAY_SIZE(files), &lock, err) < 0)
		return -1;
	*ret_path = TAKE(path);
	return 0;
}
