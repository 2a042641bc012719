/* SPDX-License-Identifier: MIT */
#include "distributor/steps/images.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/steps/release_info.h"

#include <jansson.h>
#include <stdio.h>

extern const struct command cmd_images;

static struct step_images_options options;

static json_t *
tags_json(const struct layout_tags *tags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tags->count; i++) {
		const struct oci_descriptor *image = &tags->items[i].descriptor;
		char digest[OCI_DIGEST_SIZE];

		jsonx_append(list, jsonx_pack("{s:s, s:s, s:s, s:I}", "tag", tags->items[i].name,
					      "mediaType", image->media_type, "digest",
					      oci_digest_text(&image->digest, digest), "size",
					      (json_int_t)image->size));
	}
	return list;
}

static int
print_result(const struct app *app, const char *path, const struct build_result *result,
	     double seconds, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = NULL;
	size_t tags;

	if (layout_open(path, "distributor images", &layout, err) < 0)
		return -1;
	if (app->json) {
		app_print_json(jsonx_pack(
			"{s:s, s:b, s:I, s:I, s:I, s:o}", "layout", path, "changed",
			result->changed ? 1 : 0, "pairs", (json_int_t)result->pair_images, "hosts",
			(json_int_t)result->host_images, "indexes", (json_int_t)result->indexes,
			"tags", tags_json(layout_tags(layout))));
		return 0;
	}
	if (app->quiet)
		return 0;
	tags = layout_tags(layout)->count;
	(void)printf("%s: %zu pair image%s, %zu for hosts, %zu %s under %zu tag%s%s, in %.1f s\n",
		     path, result->pair_images, plural(result->pair_images), result->host_images,
		     result->indexes, result->indexes == 1 ? "index" : "indexes", tags,
		     plural(tags), result->changed ? "" : ", unchanged", seconds);
	if (layout_part(layout) != NULL)
		log_info("this layout is a part (%s); join parts with 'distributor assemble'",
			 layout_part(layout));
	return 0;
}

static int
run_images(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(release_info_clear) struct release_info info = RELEASE_INFO_INIT;
	auto_free char *path = path_join(app->work.out, "images");
	struct step_images_options imaging = options;
	double start = monotonic_sec();
	struct build_result result;

	(void)argc;
	(void)argv;
	if (workspace_load(&app->work, err) < 0)
		return -1;
	if (imaging.from_release == NULL &&
	    (release_info_load(&app->work, NULL, &info, err) < 0 ||
	     step_images_find_revision(&app->work, &info, &imaging, err) < 0))
		return -1;
	if (step_images(&app->work, &imaging, &result, err) < 0)
		return -1;
	return print_result(app, path, &result, monotonic_sec() - start, err);
}

static const struct option_spec images_options[] = {
	{"zstd", '\0', NULL, OPTION_FLAG, &options.zstd,
	 "compress layers with zstd instead of gzip: half the\n"
	 "size, not supported by Docker before 23"},
	{"revision", '\0', "COMMIT", OPTION_TEXT, &options.revision,
	 "commit for the annotations (default: HEAD if it has\n"
	 "this matrix and lock, or the commit of the\n"
	 "published release)"},
	{"from-release", '\0', "DIR|URL", OPTION_TEXT, &options.from_release,
	 "verify the tarballs of a published release and use\n"
	 "them instead of OUT/assets"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &options.registrars,
	 "directory with register-HOST programs (default:\n"
	 "those of this build)"},
	{.name = NULL},
};

const struct command cmd_images = {
	.name = "images",
	.args = "",
	.summary = "build the container images as an OCI layout in OUT/images",
	.description =
		"Builds one image for each pair, each host and the registrar, and an index over\n"
		"all hosts for each target. No container engine is needed. Layers reuse the\n"
		"compressed data of the tarballs in OUT/assets, so run 'distributor tarballs'\n"
		"first.\n"
		"\n"
		"With --host only some hosts are built; 'distributor assemble' joins such parts.\n"
		"With --from-release the images are built from a published release, with\n"
		"identical digests.\n",
	.examples = "  distributor images --matrix matrix/debian.json\n"
		    "  skopeo copy oci:out/images:aarch64 docker-daemon:qemu:aarch64\n",
	.options = images_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_KEYS | SHARED_HOST |
		  SHARED_JOBS | SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 0,
	.run = run_images,
};
