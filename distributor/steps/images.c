/* SPDX-License-Identifier: MIT */
#include "distributor/steps/images.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "distributor/steps/image_inputs.h"
#include "distributor/steps/release_info.h"
#include "distributor/verify/published_tarballs.h"
#include "distributor/verify/release_json.h"
#include "distributor/workspace/epoch.h"
#include "distributor/workspace/out_claim.h"

#include <string.h>

static int
check_revision(const char *revision, struct error *err)
{
	if (revision == NULL)
		return 0;
	if ((strlen(revision) == 40 || strlen(revision) == 64) &&
	    strspn(revision, "0123456789abcdef") == strlen(revision))
		return 0;
	return error_set(err, ERR_USAGE, "--revision requires a full commit id, not '%s'",
			 revision);
}

/* The images of a published release name the commit that it names, or they would be others. */
static int
read_revision(const char *assets, char **ret_revision, struct error *err)
{
	AUTO(release_origin_clear) struct release_origin origin = RELEASE_ORIGIN_INIT;
	const struct verify_files files = verify_directory(assets);

	if (release_origin_read(&files, &origin, err) < 0 || check_revision(origin.commit, err) < 0)
		return -1;
	if (origin.commit != NULL)
		*ret_revision = xstrdup(origin.commit);
	return 0;
}

/*
 * What is noted of the tarballs; NULL where nothing is, or in an earlier format: then they are read
 * instead.
 */
static const struct packlist *
find_packlist(const struct workspace *work, const struct step_images_options *options,
	      struct packlist *packlist)
{
	auto_free char *path = path_join(work->out, PACKLIST_NAME);
	struct error ignored = ERROR_INIT;

	if (options->from_release != NULL || options->packlist != NULL)
		return options->packlist;
	return packlist_load_seen(work->seen, path, packlist, &ignored) == 0 ? packlist : NULL;
}

int
step_images_find_revision(const struct workspace *work, struct release_info *info,
			  struct step_images_options *options, struct error *err)
{
	int found;

	if (options->revision != NULL)
		return check_revision(options->revision, err);
	found = release_info_load_repo(info, ".", err);
	if (found < 0)
		return error_prefix(err,
				    "cannot determine the commit for the images; use --revision");
	if (found > 0 && release_info_check_committed(info, work, err) == 0) {
		options->revision = info->commit;
		return 0;
	}
	if (err->code != ERR_NOT_FOUND && err->code != ERR_INPUT)
		return -1;
	log_info("no commit is recorded in the images, so their digests differ from those built by "
		 "'release': %s",
		 err->message);
	return 0;
}

int
step_images(const struct workspace *work, const struct step_images_options *options,
	    struct build_result *ret_result, struct error *err)
{
	AUTO(image_inputs_clear) struct image_inputs inputs = {.hosts = NULL};
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *assets = NULL, *revision = NULL;
	auto_free char *path = path_join(work->out, "images");
	AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
	struct image_places places = {.registrars = options->registrars};
	const struct build_options how = {.jobs = (unsigned int)work->jobs,
					  .progress = work->progress};
	auto_close int out = -1;

	if (check_revision(options->revision, err) < 0 ||
	    (out = out_claim(work->out, true, err)) < 0 ||
	    workspace_epoch(work, &places.created_sec, err) < 0)
		return -1;
	if (options->from_release == NULL)
		assets = path_join(work->out, "assets");
	else if (published_tarballs_prepare(work, options->from_release, &assets, err) < 0 ||
		 read_revision(assets, &revision, err) < 0)
		return -1;
	places.assets = assets;
	places.packlist = find_packlist(work, options, &packlist);
	if (image_inputs_collect(work, &places, &inputs, err) < 0)
		return -1;
	inputs.set.zstd = options->zstd;
	inputs.set.revision = options->revision != NULL ? options->revision : revision;
	if (layout_create(path, &layout, err) < 0)
		return -1;
	return build_images(layout, &inputs.set, &how, ret_result, err);
}
