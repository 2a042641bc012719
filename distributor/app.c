#include "distributor/command.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"

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

void
app_print_json(struct json_t *document)
{
	auto_free char *text = jsonx_pretty(document);

	(void)fputs(text, stdout);
	json_decref(document);
}
