/* SPDX-License-Identifier: MIT */
#include "distributor/steps/tarballs.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_tarballs;

static bool no_wait;

/* The version of the package that a host's tarballs come from; "several" where they differ. */
static const char *
version_of(const struct assets_host *host)
{
	const char *version = host->count != 0 ? host->members[0].package->version : "";

	for (size_t i = 1; i < host->count; i++)
		if (strcmp(host->members[i].package->version, version) != 0)
			return "several";
	return version;
}

static void
print_table(const struct step_tarballs *packing)
{
	static const char *const headers[] = {"host", "source",    "package", "tarballs>",
					      "new>", "unpacked>", "packed>", "seconds>"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));

	for (size_t i = 0; i < packing->host_count; i++) {
		const struct assets_host *host = &packing->hosts[i];
		const struct assets_host_report *of = &packing->report.hosts[i];
		auto_free char *in = format_bytes(of->bytes_in);
		auto_free char *out = format_bytes(of->bytes_out);

		table_add(table, host->arch->name);
		table_add(table, host->count != 0 ? host->members[0].package->source : "");
		table_add(table, version_of(host));
		table_addf(table, "%zu", host->count);
		table_addf(table, "%zu", of->made);
		table_add(table, in);
		table_add(table, out);
		table_addf(table, "%.1f", of->seconds);
	}
	table_print(table, TABLE_TEXT);
}

static void
print_text(const struct step_tarballs *packing)
{
	auto_free char *in = format_bytes(packing->bytes_in);
	auto_free char *out = format_bytes(packing->bytes_out);

	if (packing->made == 0 && packing->report.removed_count == 0) {
		(void)printf("nothing to do: %zu tarball%s for %zu host%s (%s) in %s/%s (checked "
			     "in %.2f s)\n",
			     packing->unchanged, plural(packing->unchanged), packing->host_count,
			     plural(packing->host_count), out, packing->work->out, ASSETS_DIRECTORY,
			     packing->seconds);
		return;
	}
	print_table(packing);
	(void)printf("\n"
		     "%zu tarball%s built, %zu unchanged; %s of programs in %s of tarballs, in "
		     "%s/%s after %.1f s\n",
		     packing->made, plural(packing->made), packing->unchanged, in, out,
		     packing->work->out, ASSETS_DIRECTORY, packing->seconds);
}

static json_t *
names_json(char *const *names, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		jsonx_append(array, jsonx_text(names[i]));
	return array;
}

static void
print_json(const struct step_tarballs *packing)
{
	auto_free char *directory = path_join(packing->work->out, ASSETS_DIRECTORY);
	json_t *hosts = json_array();

	for (size_t i = 0; i < packing->host_count; i++) {
		const struct assets_host_report *of = &packing->report.hosts[i];

		jsonx_append(hosts, jsonx_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:f}", "host",
					       packing->hosts[i].arch->name, "package_version",
					       version_of(&packing->hosts[i]), "made",
					       (json_int_t)of->made, "unchanged",
					       (json_int_t)of->unchanged, "bytes_in",
					       (json_int_t)of->bytes_in, "bytes_out",
					       (json_int_t)of->bytes_out, "seconds", of->seconds));
	}
	app_print_json(jsonx_pack(
		"{s:s, s:o, s:I, s:I, s:o, s:o, s:f}", "directory", directory, "hosts", hosts,
		"made", (json_int_t)packing->made, "unchanged", (json_int_t)packing->unchanged,
		"removed", names_json(packing->report.removed, packing->report.removed_count),
		"strays", names_json(packing->report.strays, packing->report.stray_count),
		"seconds", packing->seconds));
}

static void
print_report(const struct app *app, const struct step_tarballs *packing)
{
	for (size_t i = 0; i < packing->report.removed_count; i++)
		log_info("removed '%s' from an earlier run", packing->report.removed[i]);
	for (size_t i = 0; i < packing->report.stray_count; i++)
		log_warning("'%s/%s/%s' is not part of this release", packing->work->out,
			    ASSETS_DIRECTORY, packing->report.strays[i]);
	if (app->json)
		print_json(packing);
	else if (!app->quiet)
		print_text(packing);
}

static int
run_tarballs(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(step_tarballs_clear) struct step_tarballs packing = STEP_TARBALLS_INIT;

	(void)argc;
	(void)argv;
	if (workspace_load(&app->work, err) < 0 ||
	    step_tarballs(&app->work, !no_wait, &packing, err) < 0)
		return -1;
	print_report(app, &packing);
	return 0;
}

static const struct option_spec tarballs_options[] = {
	{"no-wait", '\0', NULL, OPTION_FLAG, &no_wait,
	 "fail if another run is using OUT, instead of\n"
	 "waiting"},
	{.name = NULL},
};

const struct command cmd_tarballs = {
	.name = "tarballs",
	.args = "",
	.summary = "build the release tarballs from the packages in the cache",
	.description =
		"Writes OUT/assets/FROM_qemu-TO-static.tar.gz for every pair of host and target\n"
		"and, for the host with legacy names, qemu-TO-static.tar.gz and qemu-TO-static.\n"
		"Every program is compared with the lock and must be a static ELF file for its\n"
		"host. Files that exist with the right digest are kept, so an interrupted run can\n"
		"be repeated.\n"
		"\n"
		"OUT/assets.json lists the result. The same lock gives the same bytes on every\n"
		"machine. SOURCE_DATE_EPOCH in the environment overrides the date of the lock.\n"
		"\n"
		"Needs packages in the cache: run 'distributor fetch' first.\n",
	.examples = "  distributor tarballs --matrix matrix/debian.json\n"
		    "  distributor tarballs --matrix matrix/debian.json --host aarch64 --out part\n"
		    "  distributor tarballs --matrix matrix/debian.json --json | jq .made\n",
	.options = tarballs_options,
	.shared =
		SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_CACHE | SHARED_HOST | SHARED_JOBS,
	.min_args = 0,
	.max_args = 0,
	.run = run_tarballs,
};
