#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/epoch.h"
#include "distributor/image_inputs.h"
#include "distributor/out_lock.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_images;

static bool docker_types;
static bool zstd;
static const char *revision;
static const char *registrars;

static json_t *
tags_json(const struct layout_tags *tags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tags->count; i++) {
		const struct oci_descriptor *image = &tags->items[i].descriptor;
		char digest[OCI_DIGEST_SIZE];

		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "tag",
							    tags->items[i].name, "mediaType",
							    image->media_type, "digest",
							    oci_digest_text(&image->digest, digest),
							    "size", (json_int_t)image->size));
	}
	return list;
}

static int
print_result(const struct app *app, const char *path, const struct build_result *result,
	     double seconds, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = NULL;

	if (layout_open(path, &layout, err) < 0)
		return -1;
	if (app->json) {
		app_print_json(json_pack(
			"{s:s, s:b, s:I, s:I, s:I, s:o}", "layout", path, "changed",
			result->changed ? 1 : 0, "pairs", (json_int_t)result->pair_images, "hosts",
			(json_int_t)result->host_images, "indexes", (json_int_t)result->indexes,
			"tags", tags_json(layout_tags(layout))));
		return 0;
	}
	(void)printf("%s: %zu images of pairs, %zu of hosts, %zu indexes under %zu tags%s, "
		     "in %.1f s\n",
		     path, result->pair_images, result->host_images, result->indexes,
		     layout_tags(layout)->count, result->changed ? "" : ", all as before", seconds);
	if (layout_part(layout) != NULL)
		log_info("this is a part: %s; 'distributor assemble' joins parts",
			 layout_part(layout));
	return 0;
}

static int
build(struct app *app, const struct matrix *matrix, const struct lock *lock, struct error *err)
{
	AUTO(image_inputs_release) struct image_inputs inputs = {.hosts = NULL};
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *assets = path_join(app->out, "assets");
	auto_free char *path = path_join(app->out, "images");
	auto_free char *noted = path_join(app->out, MANIFEST_NAME);
	AUTO(manifest_release) struct manifest manifest = MANIFEST_INIT;
	struct image_places places = {.assets = assets, .registrars = registrars};
	const struct build_options options = {(unsigned int)app->jobs, app->progress};
	auto_close int out = out_lock(app->out, true, err);
	double start = monotonic_sec();
	struct build_result result;

	if (out < 0 || source_date_epoch(lock, &places.created_sec, err) < 0)
		return -1;
	/* Without it, or with one of an earlier format, the tarballs are read instead. */
	if (manifest_load(noted, &manifest, err) == 0)
		places.manifest = &manifest;
	else
		log_debug("%s", err->message);
	if (image_inputs_collect(app, matrix, lock, &places, &inputs, err) < 0)
		return -1;
	inputs.set.types = docker_types ? OCI_TYPES_DOCKER : OCI_TYPES_OCI;
	inputs.set.zstd = zstd;
	inputs.set.revision = revision;
	if (layout_create(path, &layout, err) < 0 ||
	    build_images(layout, &inputs.set, &options, &result, err) < 0)
		return -1;
	layout_free(TAKE(layout));
	return print_result(app, path, &result, monotonic_sec() - start, err);
}

static int
check_revision(struct error *err)
{
	if (revision == NULL)
		return 0;
	if ((strlen(revision) == 40 || strlen(revision) == 64) &&
	    strspn(revision, "0123456789abcdef") == strlen(revision))
		return 0;
	return error_set(err, ERR_USAGE, "--revision takes a whole commit id, not '%s'", revision);
}

static int
check_hosts(const struct app *app, const struct matrix *matrix, struct error *err)
{
	for (size_t i = 0; i < app->hosts.count; i++)
		if (matrix_find_host(matrix, app->hosts.items[i]) == NULL)
			return error_set(err, ERR_USAGE, "the matrix has no host '%s'",
					 app->hosts.items[i]);
	return 0;
}

static int
run_images(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(matrix_release) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_release) struct lock lock = LOCK_INIT;
	auto_free char *lock_path = app_lock_path(app);

	(void)argc;
	(void)argv;
	if (check_revision(err) < 0 || matrix_load(app->matrix_path, &matrix, err) < 0 ||
	    check_hosts(app, &matrix, err) < 0 || lock_load(lock_path, &lock, err) < 0 ||
	    lock_check_matrix(&lock, &matrix, err) < 0)
		return -1;
	return build(app, &matrix, &lock, err);
}

static const struct option_spec images_options[] = {
	{"docker-types", '\0', NULL, OPTION_FLAG, &docker_types,
	 "media types of Docker's schema 2 instead of OCI's,\nwithout annotations"},
	{"zstd", '\0', NULL, OPTION_FLAG, &zstd,
	 "layers in zstd instead of gzip: half as large, refused by\nDocker before 23"},
	{"revision", '\0', "COMMIT", OPTION_TEXT, &revision,
	 "commit of the repository, for the annotations"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &registrars,
	 "programs register-HOST (default: those of this build)"},
	{.name = NULL},
};

const struct command cmd_images = {
	.name = "images",
	.args = "",
	.summary = "make the container images as an OCI layout under OUT/images",
	.description =
		"Makes, without any container engine, the images of each pair, of each host and\n"
		"of the registrar, and the indexes over all hosts. The compressed bytes of the\n"
		"layers are those of the tarballs in OUT/assets. With --host a part is made,\n"
		"which 'assemble' joins with others to the same bytes.\n",
	.examples = "  distributor images\n"
		    "  skopeo copy oci:out/images:aarch64 docker-daemon:qemu:aarch64\n",
	.options = images_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_HOST | SHARED_JOBS,
	.min_args = 0,
	.max_args = 0,
	.run = run_images,
};
