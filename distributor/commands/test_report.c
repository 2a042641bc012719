/* SPDX-License-Identifier: MIT */
#include "distributor/commands/test_report.h"
#include "distributor/cli/command.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/text.h"
#include "distributor/cli/table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns, with their names for people and in JSON. */
static const struct {
	const char *header, *word;
} kinds[ACCEPTANCE_KINDS] = {
	[ACCEPTANCE_VERSION] = {"binaries>", "version"},
	[ACCEPTANCE_PROGRAM] = {"programs>", "program"},
	[ACCEPTANCE_IMAGE] = {"images>", "image"},
	[ACCEPTANCE_FILES] = {"files>", "files"},
	[ACCEPTANCE_REGISTER] = {"registers>", "register"},
	[ACCEPTANCE_ITSELF] = {"direct>", "itself"},
};

static const char *const outcomes[] = {
	[ACCEPTANCE_OK] = "ok",
	[ACCEPTANCE_FAILED] = "failed",
	[ACCEPTANCE_SKIPPED] = "skipped",
};

static int
compare_cases(const void *a, const void *b)
{
	const struct acceptance_case *left = a, *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->target == NULL || right->target == NULL)
		return (left->target != NULL) - (right->target != NULL);
	return strcmp(left->target, right->target);
}

/* NULL if nothing here runs them. */
static const char *
run_by(const struct acceptance_host *host)
{
	const char *slash;

	if (!host->runs)
		return NULL;
	if (host->emulator == NULL)
		return "native";
	slash = strrchr(host->emulator, '/');
	return slash != NULL ? slash + 1 : host->emulator;
}

/* "33", "32 of 33", or "-" where nothing was tried. */
static void
add_cell(struct table *table, const struct acceptance_host *host, enum acceptance_kind kind)
{
	size_t good = acceptance_count(host, kind, ACCEPTANCE_OK);
	size_t bad = acceptance_count(host, kind, ACCEPTANCE_FAILED);

	if (bad != 0)
		table_addf(table, "%zu of %zu", good, good + bad);
	else if (good != 0)
		table_addf(table, "%zu", good);
	else
		table_add(table, "-");
}

static void
print_table(const struct acceptance *trial)
{
	const char *headers[2 + ACCEPTANCE_KINDS] = {"host", "run by"};
	AUTO(table_freep) struct table *table = NULL;

	for (size_t k = 0; k < ACCEPTANCE_KINDS; k++)
		headers[2 + k] = kinds[k].header;
	table = table_new(headers, ARRAY_SIZE(headers));
	for (size_t i = 0; i < trial->host_count; i++) {
		const char *runner = run_by(&trial->hosts[i]);

		table_add(table, trial->hosts[i].arch->name);
		table_add(table, runner != NULL ? runner : "-");
		for (size_t k = 0; k < ACCEPTANCE_KINDS; k++)
			add_cell(table, &trial->hosts[i], (enum acceptance_kind)k);
	}
	table_print(table, TABLE_TEXT);
}

static json_t *
host_json(const struct acceptance_host *host)
{
	json_t *cases = json_array();

	for (size_t i = 0; i < host->case_count; i++) {
		const struct acceptance_case *item = &host->cases[i];

		jsonx_append(cases,
			     jsonx_pack("{s:s, s:s*, s:s, s:s*}", "kind", kinds[item->kind].word,
					"target", item->target, "result", outcomes[item->outcome],
					"reason", item->reason));
	}
	return jsonx_pack("{s:s, s:s*, s:o}", "host", host->arch->name, "run_by", run_by(host),
			  "cases", cases);
}

static void
print_json(const struct acceptance *trial, const size_t totals[3], double seconds)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < trial->host_count; i++)
		jsonx_append(hosts, host_json(&trial->hosts[i]));
	app_print_json(jsonx_pack(
		"{s:s, s:s*, s:o, s:I, s:I, s:I, s:f}", "version", trial->matrix->version,
		"machine", trial->machine != NULL ? trial->machine->name : NULL, "hosts", hosts,
		outcomes[ACCEPTANCE_OK], (json_int_t)totals[ACCEPTANCE_OK],
		outcomes[ACCEPTANCE_FAILED], (json_int_t)totals[ACCEPTANCE_FAILED],
		outcomes[ACCEPTANCE_SKIPPED], (json_int_t)totals[ACCEPTANCE_SKIPPED], "seconds",
		seconds));
}

/* One line for each case that did not work, and one for each reason why something was not tried. */
static void
tell(const struct acceptance_host *host, const struct acceptance_case *item,
     const struct acceptance_case *before)
{
	const char *name = host->arch->name, *target = item->target;

	if (item->outcome == ACCEPTANCE_FAILED)
		log_error("%s%s%s: %s: %s", name, target != NULL ? " " : "",
			  target != NULL ? target : "", kinds[item->kind].word, item->reason);
	else if (item->outcome == ACCEPTANCE_SKIPPED &&
		 (before == NULL || before->outcome != ACCEPTANCE_SKIPPED ||
		  strcmp(before->reason, item->reason) != 0))
		log_warning("%s%s%s: skipped: %s: %s", name, target != NULL ? " " : "",
			    target != NULL ? target : "", kinds[item->kind].word, item->reason);
}

int
acceptance_report(const struct app *app, struct acceptance *trial, double seconds, bool strict,
		  struct error *err)
{
	size_t totals[ARRAY_SIZE(outcomes)] = {0}, tried;

	for (size_t i = 0; i < trial->host_count; i++) {
		struct acceptance_host *host = &trial->hosts[i];

		if (host->case_count != 0)
			qsort(host->cases, host->case_count, sizeof(*host->cases), compare_cases);
		for (size_t j = 0; j < host->case_count; j++) {
			totals[host->cases[j].outcome]++;
			tell(host, &host->cases[j], j != 0 ? &host->cases[j - 1] : NULL);
		}
	}
	if (app->json)
		print_json(trial, totals, seconds);
	else if (!app->quiet)
		print_table(trial);
	if (!app->json && !app->quiet)
		(void)printf("\n"
			     "%zu test%s passed, %zu failed, %zu skipped, in %.1f s\n",
			     totals[ACCEPTANCE_OK], plural(totals[ACCEPTANCE_OK]),
			     totals[ACCEPTANCE_FAILED], totals[ACCEPTANCE_SKIPPED], seconds);
	tried = totals[ACCEPTANCE_OK] + totals[ACCEPTANCE_FAILED];
	if (totals[ACCEPTANCE_FAILED] != 0)
		return error_set(err, ERR_VERIFY, "%zu of %zu test%s failed",
				 totals[ACCEPTANCE_FAILED], tried, plural(tried));
	if (strict && totals[ACCEPTANCE_SKIPPED] != 0)
		return error_set(err, ERR_VERIFY, "%zu test%s skipped, and --strict was given",
				 totals[ACCEPTANCE_SKIPPED], plural(totals[ACCEPTANCE_SKIPPED]));
	return 0;
}
