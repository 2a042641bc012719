/* SPDX-License-Identifier: MIT */
#include "distributor/steps/lock.h"
#include "base/jsonx.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"

#include <jansson.h>
#include <stdio.h>

extern const struct command cmd_lock;

static bool check_only;
static const char *downgrade_reason;

static void
print_news(const struct app *app, const struct step_lock_news *news)
{
	static const char *const headers[] = {"host", "source", "locked", "upstream", ""};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));
	json_t *array = json_array();

	for (size_t i = 0; i < news->count; i++) {
		const struct step_lock_host *host = &news->hosts[i];

		table_add(table, host->arch);
		table_add(table, host->source);
		table_add(table, host->locked != NULL ? host->locked : "(not locked)");
		table_add(table, host->newest);
		table_add(table, host->is_newer ? "newer" : "");
		jsonx_append(array,
			     jsonx_pack("{s:s, s:s, s:s?, s:s, s:b}", "host", host->arch, "source",
					host->source, "locked", host->locked, "upstream",
					host->newest, "newer", host->is_newer ? 1 : 0));
	}
	if (!app->json && !app->quiet)
		table_print(table, TABLE_TEXT);
	if (app->json)
		app_print_json(array);
	else
		json_decref(array);
}

static int
run_lock_check(struct app *app, struct error *err)
{
	AUTO(step_lock_news_clear) struct step_lock_news news = STEP_LOCK_NEWS_INIT;
	auto_free char *command =
		workspace_command(&app->work, "lock", SHARED_MATRIX | SHARED_LOCK);

	if (step_lock_check(&app->work, &news, err) < 0)
		return -1;
	print_news(app, &news);
	if (news.newer != 0)
		return error_set(err, ERR_IO,
				 "newer packages are available for %zu host%s; run '%s'",
				 news.newer, plural(news.newer), command);
	return 0;
}

static int
run_lock(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(step_lock_result_clear) struct step_lock_result result = STEP_LOCK_RESULT_INIT;

	(void)argc;
	(void)argv;
	if (check_only)
		return run_lock_check(app, err);
	if (step_lock(&app->work, downgrade_reason, &result, err) < 0)
		return -1;
	if (app->json)
		app_print_json(jsonx_pack(
			"{s:s, s:b, s:I, s:I, s:I}", "lock", result.path, "changed",
			result.written ? 1 : 0, "serial", (json_int_t)result.serial, "packages",
			(json_int_t)result.packages, "emulators", (json_int_t)result.emulators));
	else if (!app->quiet && result.written)
		(void)printf("wrote '%s': %zu package%s with %zu emulator%s\n", result.path,
			     result.packages, plural(result.packages), result.emulators,
			     plural(result.emulators));
	else if (!app->quiet)
		(void)printf("'%s' is up to date\n", result.path);
	return 0;
}

static const struct option_spec lock_options[] = {
	{"check", '\0', NULL, OPTION_FLAG, &check_only,
	 "only report newer upstream packages; exit with 1 if\n"
	 "there are any"},
	{"allow-downgrade", '\0', "REASON", OPTION_TEXT, &downgrade_reason,
	 "accept an older version or signing date; REASON is\n"
	 "recorded in the lock"},
	{.name = NULL},
};

const struct command cmd_lock = {
	.name = "lock",
	.args = "",
	.summary = "find the newest packages, verify them, and pin them in the lock",
	.description =
		"Asks each source for the packages of its hosts, downloads them, verifies their\n"
		"signatures up to the keys in the matrix, inspects every emulator, and writes the\n"
		"lock. All later steps use only the lock. If nothing has changed, the lock is not\n"
		"rewritten.\n"
		"\n"
		"Commit the lock together with the matrix.\n",
	.examples = "  distributor lock --matrix matrix/debian.json\n"
		    "  distributor lock --matrix matrix/debian.json --check\n",
	.options = lock_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_CACHE | SHARED_HOST | SHARED_JOBS |
		  SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 0,
	.run = run_lock,
};
