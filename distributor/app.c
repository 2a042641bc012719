#include "distributor/command.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "matrix/matrix.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

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

	(void)fputs(text, stdout);
	json_decref(document);
}
