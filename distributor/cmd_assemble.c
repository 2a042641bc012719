#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/out_lock.h"
#include "distributor/part.h"
#include "images/assemble.h"
#include "matrix/lock.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_assemble;

static bool stay_part;
static bool no_images;

/* The hosts of the matrix that no part has, separated by commas; empty when there are none. */
static char *
missing_hosts(const struct matrix *matrix, const struct parts *parts)
{
	struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < matrix->host_count; i++) {
		const char *name = matrix->hosts[i].arch->name;

		if (manifest_find_host(&parts->manifest, name) == NULL)
			strbuf_addf(&names, "%s%s", names.length != 0 ? "," : "", name);
	}
	return strbuf_take(&names);
}

/* The hosts of the parts in the order of arch_table. */
static char *
part_hosts(const struct parts *parts)
{
	struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < arch_count; i++)
		if (manifest_find_host(&parts->manifest, arch_table[i].name) != NULL)
			strbuf_addf(&names, "%s%s", names.length != 0 ? "," : "",
				    arch_table[i].name);
	return strbuf_take(&names);
}

static int
join_images(const struct app *app, int count, char **directories, const char *part,
	    struct error *err)
{
	struct layout **layouts = xcalloc((size_t)count, sizeof(*layouts));
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *path = path_join(app->out, "images");
	int result = 0;

	for (int i = 0; i < count && result == 0; i++) {
		auto_free char *images = path_join(directories[i], "images");

		result = layout_open(images, "distributor images", &layouts[i], err);
	}
	if (result == 0)
		result = layout_create(path, &layout, err);
	if (result == 0)
		result = assemble_images(layout, layouts, (size_t)count, part, NULL, err);
	for (int i = 0; i < count; i++)
		layout_free(layouts[i]);
	free(layouts);
	return result;
}

static int
join(const struct app *app, int count, char **directories, struct parts *parts, const char *part,
     struct error *err)
{
	auto_free char *assets = path_join(app->out, "assets");

	if (make_directories(assets, err) < 0)
		return -1;
	for (int i = 0; i < count; i++)
		if (parts_take_assets(directories[i], assets, err) < 0)
			return -1;
	if (!no_images && join_images(app, count, directories, part, err) < 0)
		return -1;
	return parts_write_lists(parts, app->out, err);
}

static void
print_result(const struct app *app, int count, const struct parts *parts, const char *hosts)
{
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:i, s:s, s:I}", "out", app->out, "parts", count,
					  "hosts", hosts, "assets",
					  (json_int_t)parts->assets.count));
	else if (!app->quiet)
		(void)printf("%s: %d part%s joined (%s), %zu assets%s\n", app->out, count,
			     count == 1 ? "" : "s", hosts, parts->assets.count,
			     no_images ? "" : " and their images");
}

static int
run_assemble(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(matrix_release) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_release) struct lock lock = LOCK_INIT;
	AUTO(parts_release) struct parts parts = {.lock = &lock};
	auto_free char *missing = NULL, *hosts = NULL;
	auto_close int out = -1;

	if (app_load(app, &matrix, &lock, err) < 0)
		return -1;
	for (int i = 0; i < argc; i++)
		if (parts_add(&parts, argv[i], err) < 0)
			return -1;
	missing = missing_hosts(&matrix, &parts);
	if (*missing != '\0' && !stay_part)
		return error_set(err, ERR_INPUT,
				 "no part has the hosts %s; --part joins what is there", missing);
	out = out_lock(app->out, true, err);
	hosts = part_hosts(&parts);
	if (out < 0 || join(app, argc, argv, &parts, *missing != '\0' ? hosts : NULL, err) < 0)
		return -1;
	print_result(app, argc, &parts, hosts);
	return 0;
}

static const struct option_spec assemble_options[] = {
	{"part", '\0', NULL, OPTION_FLAG, &stay_part, "the result may lack hosts of the matrix"},
	{"no-images", '\0', NULL, OPTION_FLAG, &no_images, "join the tarballs alone"},
	{.name = NULL},
};

const struct command cmd_assemble = {
	.name = "assemble",
	.args = "PART...",
	.summary = "join parts that several machines made into one release",
	.description =
		"Each PART is an OUT directory that 'tarballs --host H' and 'images --host H'\n"
		"filled elsewhere. Every file is compared with its digest, every program's\n"
		"digest with the lock. The result has the bytes of a single run for all hosts.\n",
	.examples = "  distributor assemble parts/x86_64 parts/aarch64\n",
	.options = assemble_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT,
	.min_args = 1,
	.max_args = -1,
	.run = run_assemble,
};
