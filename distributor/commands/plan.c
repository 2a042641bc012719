/* SPDX-License-Identifier: MIT */
#include "matrix/plan.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"
#include "distributor/commands/plan_diff.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_plan;

static const char *format;
static bool diff;

static const char *
cell_sign(const struct plan_cell *cell)
{
	switch (cell->state) {
	case PLAN_EMPTY:
		return "";
	case PLAN_EXCLUDED:
		return "-";
	case PLAN_LOCKED:
	case PLAN_EXPECTED:
		break;
	}
	if (cell->tarball && cell->image)
		return cell->state == PLAN_LOCKED ? "x" : "?";
	return "t";
}

static void
print_matrix(const struct plan *plan, enum table_style style)
{
	const char **headers = xcalloc(plan->host_count + 1, sizeof(*headers));
	AUTO(table_freep) struct table *table = NULL;

	headers[0] = "target";
	for (size_t h = 0; h < plan->host_count; h++)
		headers[h + 1] = plan->hosts[h].host->arch->name;
	table = table_new(headers, plan->host_count + 1);
	free(headers);
	for (size_t t = 0; t < plan->target_count; t++) {
		table_add(table, plan->targets[t]);
		for (size_t h = 0; h < plan->host_count; h++)
			table_add(table, cell_sign(plan_cell(plan, t, h)));
	}
	table_print(table, style);
}

static void
print_hosts(const struct plan *plan, enum table_style style)
{
	static const char *const headers[] = {"host",      "source",  "QEMU",        "package",
					      "tarballs>", "images>", "legacy names"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));

	for (size_t h = 0; h < plan->host_count; h++) {
		const struct plan_host *host = &plan->hosts[h];

		table_add(table, host->host->arch->name);
		table_add(table, host->host->source->key);
		table_add(table, host->qemu_version);
		table_add(table,
			  host->package_version != NULL ? host->package_version : "(not locked)");
		table_addf(table, "%zu", host->tarballs);
		table_addf(table, "%zu", host->images);
		table_add(table, host->host->legacy_names ? "yes" : "");
	}
	table_print(table, style);
}

static void
print_text(const struct app *app, const struct plan *plan, enum table_style style)
{
	auto_free char *command =
		workspace_command(&app->work, "lock", SHARED_MATRIX | SHARED_LOCK);
	size_t images = plan->pair_images + plan->all_in_one + plan->registrars;

	(void)printf(style == TABLE_MARKDOWN ? "## %s %s\n\n" : "%s %s\n\n", plan->matrix->name,
		     plan->matrix->version);
	print_hosts(plan, style);
	(void)printf("\n");
	print_matrix(plan, style);
	if (plan->lock != NULL)
		(void)printf("\nx: tarball and image, t: tarball only, -: excluded, "
			     "blank: the package has no such binary\n");
	else
		(void)printf("\n"
			     "There is no lock: '?' is what this version of QEMU usually has; run "
			     "'%s' to find out.\n",
			     command);
	(void)printf("\n%zu asset%s: %zu tarball%s, %zu under legacy names, %zu release file%s\n",
		     plan_assets(plan), plural(plan_assets(plan)), plan->tarballs,
		     plural(plan->tarballs), plan->legacy_assets, plan->release_files,
		     plural(plan->release_files));
	(void)printf("%zu image%s: %zu pair%s, %zu all-in-one, %zu register; %zu %s over hosts\n",
		     images, plural(images), plan->pair_images, plural(plan->pair_images),
		     plan->all_in_one, plan->registrars, plan->indexes,
		     plan->indexes == 1 ? "index" : "indexes");
}

static json_t *
host_json(const struct plan_host *host)
{
	return jsonx_pack("{s:s, s:s, s:s, s:s?, s:b, s:I, s:I}", "host", host->host->arch->name,
			  "source", host->host->source->key, "qemu", host->qemu_version, "package",
			  host->package_version, "legacy_names", host->host->legacy_names ? 1 : 0,
			  "tarballs", (json_int_t)host->tarballs, "images",
			  (json_int_t)host->images);
}

static json_t *
plan_json(const struct plan *plan)
{
	static const char *const states[] = {"empty", "locked", "expected", "excluded"};
	json_t *hosts = json_array(), *cells = json_array();

	for (size_t h = 0; h < plan->host_count; h++)
		jsonx_append(hosts, host_json(&plan->hosts[h]));
	for (size_t t = 0; t < plan->target_count; t++) {
		for (size_t h = 0; h < plan->host_count; h++) {
			const struct plan_cell *cell = plan_cell(plan, t, h);

			jsonx_append(cells,
				     jsonx_pack("{s:s, s:s, s:s, s:b, s:b}", "from",
						plan->hosts[h].host->arch->name, "to",
						plan->targets[t], "state", states[cell->state],
						"tarball", cell->tarball ? 1 : 0, "image",
						cell->image ? 1 : 0));
		}
	}
	return jsonx_pack("{s:s, s:s, s:b, s:o, s:o, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}}",
			  "name", plan->matrix->name, "version", plan->matrix->version, "locked",
			  plan->lock != NULL ? 1 : 0, "hosts", hosts, "cells", cells, "assets",
			  "total", (json_int_t)plan_assets(plan), "tarballs",
			  (json_int_t)plan->tarballs, "legacy", (json_int_t)plan->legacy_assets,
			  "release_files", (json_int_t)plan->release_files, "images", "pairs",
			  (json_int_t)plan->pair_images, "all_in_one", (json_int_t)plan->all_in_one,
			  "indexes", (json_int_t)plan->indexes);
}

/* `strategy.matrix` of GitHub Actions: one job per host, in one line for $GITHUB_OUTPUT. */
static void
print_github(const struct plan *plan)
{
	json_t *include = json_array(), *root;
	char *text;

	for (size_t h = 0; h < plan->host_count; h++)
		jsonx_append(include,
			     jsonx_pack("{s:s, s:s, s:s}", "host", plan->hosts[h].host->arch->name,
					"source", plan->hosts[h].host->source->key, "qemu",
					plan->hosts[h].qemu_version));
	root = jsonx_pack("{s:o}", "include", include);
	text = json_dumps(root, JSON_COMPACT);
	assert(text != NULL);
	(void)printf("%s\n", text);
	free(text);
	json_decref(root);
}

static int
load_lock(const struct app *app, const struct matrix *matrix, struct lock *lock, bool *ret_locked,
	  struct error *err)
{
	auto_free char *path = workspace_lock_path(&app->work);
	auto_free char *command =
		workspace_command(&app->work, "lock", SHARED_MATRIX | SHARED_LOCK);
	bool there;

	*ret_locked = false;
	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	if (lock_load(path, command, lock, err) < 0)
		return -1;
	/* A lock of another version is what --diff is for; the plan itself shows no part of it. */
	if (lock_check_matrix(lock, matrix, command, err) < 0) {
		log_warning("%s", err->message);
		return 0;
	}
	*ret_locked = true;
	return 0;
}

static void
print_plan(const struct app *app, const struct plan *plan)
{
	auto_free char *warning = plan_warning(plan);

	if (app->json)
		app_print_json(plan_json(plan));
	else if (strcmp(format, "markdown") == 0)
		print_text(app, plan, TABLE_MARKDOWN);
	else if (strcmp(format, "github") == 0)
		print_github(plan);
	else
		print_text(app, plan, TABLE_TEXT);
	if (warning != NULL)
		log_warning("%s", warning);
}

/* "--format json" is --json, and no two ways of printing can both be meant. */
static int
read_format(struct app *app, struct error *err)
{
	static const char *const formats[] = {"table", "json", "markdown", "github"};
	size_t i = 0;

	if (format == NULL)
		format = app->json ? "json" : "table";
	while (i < ARRAY_SIZE(formats) && strcmp(formats[i], format) != 0)
		i++;
	if (i == ARRAY_SIZE(formats))
		return error_set(err, ERR_USAGE,
				 "--format takes table, json, markdown or github, not '%s'",
				 format);
	if (strcmp(format, "json") == 0)
		app->json = true;
	else if (app->json)
		return error_set(err, ERR_USAGE, "--json cannot be used with --format %s", format);
	else if (diff && strcmp(format, "table") != 0)
		return error_set(err, ERR_USAGE, "--diff cannot be used with --format %s", format);
	return 0;
}

static int
run_plan(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool locked;

	(void)argc;
	(void)argv;
	if (read_format(app, err) < 0 || matrix_load(app->work.matrix_path, &matrix, err) < 0 ||
	    workspace_check_hosts(&app->work, &matrix, err) < 0 ||
	    load_lock(app, &matrix, &lock, &locked, err) < 0)
		return -1;
	if (diff)
		return plan_diff_print(app, &matrix, lock.name != NULL ? &lock : NULL, err);
	plan_make_for(&matrix, locked ? &lock : NULL, app->work.hosts.items, app->work.hosts.count,
		      &plan);
	print_plan(app, &plan);
	return 0;
}

static const struct option_spec plan_options[] = {
	{"format", '\0', "table|json|markdown|github", OPTION_TEXT, &format,
	 "output format (default table); github prints one\n"
	 "line for a workflow's strategy.matrix"},
	{"diff", '\0', NULL, OPTION_FLAG, &diff,
	 "show what the matrix changes compared with the lock"},
	{.name = NULL},
};

const struct command cmd_plan = {
	.name = "plan",
	.args = "",
	.summary = "show what the matrix will produce",
	.description =
		"Prints a table of hosts and targets with their versions and sources, and counts\n"
		"assets and images. Reads the matrix and, if it exists, the lock; does not use\n"
		"the network. --quiet does not suppress the plan.\n",
	.examples = "  distributor plan --matrix matrix/debian.json\n"
		    "  distributor plan --format github >>\"$GITHUB_OUTPUT\"\n",
	.options = plan_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_HOST,
	.min_args = 0,
	.max_args = 0,
	.run = run_plan,
};
