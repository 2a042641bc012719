/* SPDX-License-Identifier: MIT */
#include "distributor/cli/command.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *
app_default_matrix(void)
{
	static const char path[] = DEFAULT_MATRIX; /* one address, to know it by */

	return path;
}

bool
app_names_matrix(const struct app *app)
{
	return app->matrix_path != app_default_matrix();
}

char *
app_lock_path(const struct app *app)
{
	size_t stem = strlen(app->matrix_path);

	if (app->lock_path != NULL)
		return xstrdup(app->lock_path);
	if (text_ends_with(app->matrix_path, ".json"))
		stem -= strlen(".json");
	return xasprintf("%.*s.lock.json", (int)stem, app->matrix_path);
}

char *
app_ready_matrix(const struct app *app)
{
	auto_free char *directory = path_directory(app->matrix_path);
	auto_free char *matrix = xasprintf("%s/debian.json", directory);
	auto_free char *lock = xasprintf("%s/debian.lock.json", directory);

	if (strcmp(path_base(app->matrix_path), "debian.json") == 0 || access(matrix, R_OK) < 0 ||
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
app_command(const struct app *app, const char *name, unsigned int shared)
{
	struct strbuf command = STRBUF_INIT;

	strbuf_addf(&command, "distributor %s", name);
	if ((shared & SHARED_MATRIX) != 0)
		add_option(&command, "matrix", app->matrix_path, DEFAULT_MATRIX);
	if ((shared & SHARED_LOCK) != 0)
		add_option(&command, "lock", app->lock_path, NULL);
	if ((shared & SHARED_OUT) != 0)
		add_option(&command, "out", app->out, DEFAULT_OUT);
	if ((shared & SHARED_CACHE) != 0)
		add_option(&command, "cache", app->cache, NULL);
	return strbuf_take(&command);
}

/* Who has just cloned this finds out here which matrix can be released at once. */
static int
explain_no_lock(const struct app *app, struct error *err)
{
	auto_free char *other = app_ready_matrix(app);
	auto_free char *why = xstrdup(err->message);

	if (err->code != ERR_NOT_FOUND || other == NULL)
		return -1;
	return error_set(err, err->code, "%s, or give --matrix %s, which has one", why, other);
}

int
app_load(const struct app *app, struct matrix *ret_matrix, struct lock *ret_lock, struct error *err)
{
	auto_free char *lock_path = app_lock_path(app);
	auto_free char *command = app_command(app, "lock", SHARED_MATRIX | SHARED_LOCK);

	if (matrix_load(app->matrix_path, ret_matrix, err) < 0 ||
	    app_check_hosts(app, ret_matrix, err) < 0)
		return -1;
	if (lock_load(lock_path, command, ret_lock, err) < 0)
		return explain_no_lock(app, err);
	return lock_check_matrix(ret_lock, ret_matrix, command, err);
}

bool
app_wants_host(const struct app *app, const char *host)
{
	for (size_t i = 0; i < app->hosts.count; i++)
		if (strcmp(app->hosts.items[i], host) == 0)
			return true;
	return app->hosts.count == 0;
}

int
app_check_hosts(const struct app *app, const struct matrix *matrix, struct error *err)
{
	for (size_t i = 0; i < app->hosts.count; i++) {
		const char *name = app->hosts.items[i];
		const struct arch *meant = arch_find_any(name);

		if (matrix_find_host(matrix, name) != NULL)
			continue;
		if (meant == NULL)
			meant = arch_suggest(name);
		if (meant != NULL && matrix_find_host(matrix, meant->name) != NULL)
			return error_set(err, ERR_USAGE, "no host '%s' in '%s'; did you mean '%s'?",
					 name, app->matrix_path, meant->name);
		return error_set(err, ERR_USAGE, "no host '%s' in '%s'", name, app->matrix_path);
	}
	return 0;
}

void
app_print_json(struct json_t *document)
{
	auto_free char *text = jsonx_pretty(document);
	auto_free char *clean = log_redact(text);

	(void)fputs(clean, stdout);
	json_decref(document);
}

void
app_notice(void *context, const char *sentence)
{
	(void)context;
	log_info("%s", sentence);
}

void
app_warn(const char *sentence)
{
	log_warning("%s", sentence);
}
