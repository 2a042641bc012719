/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/workspace.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *
workspace_default_matrix(void)
{
	static const char path[] = DEFAULT_MATRIX; /* one address, to know it by */

	return path;
}

bool
workspace_names_matrix(const struct workspace *work)
{
	return work->matrix_path != workspace_default_matrix();
}

char *
workspace_lock_path(const struct workspace *work)
{
	size_t stem = strlen(work->matrix_path);

	if (work->lock_path != NULL)
		return xstrdup(work->lock_path);
	if (text_ends_with(work->matrix_path, ".json"))
		stem -= strlen(".json");
	return xasprintf("%.*s.lock.json", (int)stem, work->matrix_path);
}

char *
workspace_ready_matrix(const struct workspace *work)
{
	auto_free char *directory = path_directory(work->matrix_path);
	auto_free char *matrix = xasprintf("%s/debian.json", directory);
	auto_free char *lock = xasprintf("%s/debian.lock.json", directory);

	if (strcmp(path_base(work->matrix_path), "debian.json") == 0 || access(matrix, R_OK) < 0 ||
	    access(lock, R_OK) < 0)
		return NULL;
	return TAKE(matrix);
}

/* Adds " --NAME VALUE" if the value is not the one that holds without the option. */
static void
add_option(struct strbuf *command, const char *name, const char *value, const char *otherwise)
{
	auto_free char *word = NULL;

	if (value == NULL || (otherwise != NULL && strcmp(value, otherwise) == 0))
		return;
	word = text_shell_word(value);
	strbuf_addf(command, " --%s %s", name, word);
}

char *
workspace_command(const struct workspace *work, const char *name, unsigned int shared)
{
	struct strbuf command = STRBUF_INIT;

	strbuf_addf(&command, "distributor %s", name);
	if ((shared & SHARED_MATRIX) != 0)
		add_option(&command, "matrix", work->matrix_path, DEFAULT_MATRIX);
	if ((shared & SHARED_LOCK) != 0)
		add_option(&command, "lock", work->lock_path, NULL);
	if ((shared & SHARED_OUT) != 0)
		add_option(&command, "out", work->out, DEFAULT_OUT);
	if ((shared & SHARED_CACHE) != 0)
		add_option(&command, "cache", work->cache, NULL);
	return strbuf_take(&command);
}

/* Who has just cloned this finds out here which matrix can be released at once. */
static int
explain_no_lock(const struct workspace *work, struct error *err)
{
	auto_free char *other = workspace_ready_matrix(work);
	auto_free char *why = xstrdup(err->message);

	if (err->code != ERR_NOT_FOUND || other == NULL)
		return -1;
	return error_set(err, err->code, "%s, or use --matrix %s, which has one", why, other);
}

void
workspace_clear(struct workspace *work)
{
	if (work->matrix != NULL)
		matrix_clear(work->matrix);
	if (work->lock != NULL)
		lock_clear(work->lock);
	free(work->matrix);
	free(work->lock);
	free(work->lock_text);
	work->matrix = NULL;
	work->lock = NULL;
	work->lock_text = NULL;
}

int
workspace_load_matrix(struct workspace *work, struct error *err)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;

	if (work->matrix != NULL)
		return 0;
	if (matrix_load(work->matrix_path, &matrix, err) < 0)
		return -1;
	work->matrix = xmalloc(sizeof(*work->matrix));
	*work->matrix = matrix;
	matrix = (struct matrix)MATRIX_INIT;
	return 0;
}

static int
load_lock(struct workspace *work, struct error *err)
{
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	auto_free char *path = workspace_lock_path(work);
	auto_free char *command = workspace_command(work, "lock", SHARED_MATRIX | SHARED_LOCK);
	auto_free char *text = NULL;
	size_t length;

	if (lock_read(path, command, &text, &length, err) < 0)
		return explain_no_lock(work, err);
	if (lock_parse(path, text, length, &lock, err) < 0 ||
	    lock_check_matrix(&lock, work->matrix, command, err) < 0)
		return -1;
	work->lock_text = TAKE(text);
	work->lock_length = length;
	work->lock = xmalloc(sizeof(*work->lock));
	*work->lock = lock;
	lock = (struct lock)LOCK_INIT;
	return 0;
}

int
workspace_load(struct workspace *work, struct error *err)
{
	if (workspace_load_matrix(work, err) < 0 ||
	    workspace_check_hosts(work, work->matrix, err) < 0)
		return -1;
	return work->lock != NULL ? 0 : load_lock(work, err);
}

bool
workspace_wants_host(const struct workspace *work, const char *host)
{
	for (size_t i = 0; i < work->hosts.count; i++)
		if (strcmp(work->hosts.items[i], host) == 0)
			return true;
	return work->hosts.count == 0;
}

int
workspace_check_hosts(const struct workspace *work, const struct matrix *matrix, struct error *err)
{
	for (size_t i = 0; i < work->hosts.count; i++) {
		const char *name = work->hosts.items[i];
		const struct arch *meant = arch_find_any(name);

		if (matrix_find_host(matrix, name) != NULL)
			continue;
		if (meant == NULL)
			meant = arch_suggest(name);
		if (meant != NULL && matrix_find_host(matrix, meant->name) != NULL)
			return error_set(err, ERR_USAGE, "no host '%s' in '%s'; did you mean '%s'?",
					 name, work->matrix_path, meant->name);
		return error_set(err, ERR_USAGE, "no host '%s' in '%s'", name, work->matrix_path);
	}
	return 0;
}

void
notice_info(void *context, const char *sentence)
{
	(void)context;
	log_info("%s", sentence);
}

void
notice_warning(const char *sentence)
{
	log_warning("%s", sentence);
}
