/* SPDX-License-Identifier: MIT */
#include "distributor/steps/assemble.h"
#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/steps/release_info.h"
#include "distributor/workspace/epoch.h"
#include "distributor/workspace/out_claim.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_assemble;

static bool stay_part;
static bool no_images;
static struct step_images_options options;

static bool
has_host(const struct parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->count; i++)
		if (packlist_find_host(&parts->items[i].packlist, name) != NULL)
			return true;
	return false;
}

/* The hosts of the matrix that no part has, separated by commas; empty when there are none. */
static char *
missing_hosts(const struct matrix *matrix, const struct parts *parts)
{
	struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < matrix->host_count; i++) {
		const char *name = matrix->hosts[i].arch->name;

		if (!has_host(parts, name))
			strbuf_addf(&names, "%s%s", names.length != 0 ? "," : "", name);
	}
	return strbuf_take(&names);
}

static int
join_parts(struct parts *parts, const struct step_images_options *imaging, struct error *err)
{
	if (parts_take_assets(parts, err) < 0 ||
	    (!no_images && parts_make_images(parts, imaging, err) < 0))
		return -1;
	return parts_write_lists(parts, err);
}

static void
print_result(const struct app *app, int count, const struct parts *parts, const char *hosts)
{
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:i, s:s, s:I}", "out", app->work.out, "parts",
					  count, "hosts", hosts, "assets",
					  (json_int_t)parts->assets.count));
	else if (!app->quiet)
		(void)printf("%s: joined %d part%s (%s), %zu asset%s%s\n", app->work.out, count,
			     plural((size_t)count), hosts, parts->assets.count,
			     plural(parts->assets.count), no_images ? "" : " and images");
}

static int
run_assemble(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(release_info_clear) struct release_info info = RELEASE_INFO_INIT;
	AUTO(parts_clear)
	struct parts parts = {.work = &app->work};
	struct step_images_options imaging = options;
	auto_free char *missing = NULL, *hosts = NULL;
	auto_close int out = -1;

	if (workspace_load(&app->work, err) < 0 ||
	    release_info_load(&app->work, NULL, &info, err) < 0 ||
	    workspace_epoch(&app->work, &parts.source_date_epoch, err) < 0 ||
	    (!no_images && step_images_find_revision(&app->work, &info, &imaging, err) < 0))
		return -1;
	for (int i = 0; i < argc; i++)
		if (parts_add(&parts, argv[i], err) < 0)
			return -1;
	missing = missing_hosts(info.matrix, &parts);
	if (*missing != '\0' && !stay_part)
		return error_set(err, ERR_INPUT,
				 "no part contains the hosts %s; use --part to join without them",
				 missing);
	if (parts_check(&parts, err) < 0)
		return -1;
	hosts = part_hosts(&parts.packlist);
	out = out_claim(app->work.out, true, err);
	if (out < 0 || join_parts(&parts, &imaging, err) < 0)
		return -1;
	print_result(app, argc, &parts, hosts);
	return 0;
}

static const struct option_spec assemble_options[] = {
	{"part", '\0', NULL, OPTION_FLAG, &stay_part,
	 "allow hosts of the matrix to be missing from the\n"
	 "result"},
	{"no-images", '\0', NULL, OPTION_FLAG, &no_images, "join only the tarballs"},
	{"revision", '\0', "COMMIT", OPTION_TEXT, &options.revision,
	 "commit recorded in the images (default: HEAD if it\n"
	 "has this matrix and lock)"},
	{"zstd", '\0', NULL, OPTION_FLAG, &options.zstd,
	 "the parts were built with 'images --zstd'"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &options.registrars,
	 "directory with register-HOST programs (default:\n"
	 "those of this build)"},
	{.name = NULL},
};

const struct command cmd_assemble = {
	.name = "assemble",
	.args = "PART...",
	.summary = "join parts built on several machines into one release",
	.description =
		"Each PART is the OUT directory of a run of 'tarballs --host HOST' and 'images\n"
		"--host HOST' on another machine.\n"
		"\n"
		"Parts are not trusted: every tarball is unpacked and its program compared with\n"
		"the lock, and all images are rebuilt from the tarballs with the registrars of\n"
		"this build. A part with a different program, layer, config, name or file is\n"
		"refused with exit status 4. The result is identical to a single run for all\n"
		"hosts.\n",
	.examples = "  distributor assemble parts/x86_64 parts/aarch64\n",
	.options = assemble_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_JOBS,
	.min_args = 1,
	.max_args = -1,
	.run = run_assemble,
};
