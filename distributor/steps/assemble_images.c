/* SPDX-License-Identifier: MIT */
#include "distributor/steps/assemble.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "distributor/steps/image_inputs.h"
#include "images/part.h"
#include "pack/assets.h"

#include <string.h>

/* A part with its layout. */
struct opened {
	struct layout *layout;
	const struct arch **hosts;
	size_t host_count;
	char *hosts_text;
};

struct joining {
	const struct parts *parts;
	struct opened *opened;

	/* While they are compared. */
	const struct layout *made;
	const struct layout_tags *tags;
};

static void
joining_clear(struct joining *joining)
{
	for (size_t i = 0; joining->opened != NULL && i < joining->parts->count; i++) {
		layout_free(joining->opened[i].layout);
		free(joining->opened[i].hosts);
		free(joining->opened[i].hosts_text);
	}
	free(joining->opened);
}

static int
open_part(const struct parts *parts, const struct part *part, struct opened *opened,
	  struct error *err)
{
	auto_free char *images = path_join(part->directory, "images");

	opened->hosts = xcalloc(part->packlist.count + 1, sizeof(*opened->hosts));
	for (size_t i = 0; i < part->packlist.count; i++)
		opened->hosts[opened->host_count++] = arch_find(part->packlist.hosts[i].name);
	if (part->packlist.count < parts->work->matrix->host_count)
		opened->hosts_text = part_hosts(&part->packlist);
	return layout_open(images, "distributor images", &opened->layout, err);
}

static int
compare_part_images(size_t index, void *context, struct error *err)
{
	const struct joining *joining = context;
	const struct opened *opened = &joining->opened[index];
	const struct image_part part = {
		.name = joining->parts->items[index].directory,
		.layout = opened->layout,
		.hosts = opened->hosts,
		.host_count = opened->host_count,
		.hosts_text = opened->hosts_text,
	};

	return image_part_check(&part, joining->made, joining->tags, err);
}

/* The images of all parts are made; none has a name yet. */
static int
compare_parts(const struct layout *layout, const struct layout_tags *tags, void *context,
	      struct error *err)
{
	struct joining *joining = context;

	joining->made = layout;
	joining->tags = tags;
	return parallel_for(joining->parts->count, (unsigned int)joining->parts->work->jobs,
			    compare_part_images, joining, err);
}

static int
make_joined_images(struct joining *joining, const struct workspace *some,
		   const struct step_images_options *options, struct error *err)
{
	const struct parts *parts = joining->parts;
	AUTO(image_inputs_clear) struct image_inputs inputs = {.hosts = NULL};
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *assets = path_join(some->out, ASSETS_DIRECTORY);
	auto_free char *path = path_join(some->out, "images");
	const struct image_places places = {.assets = assets,
					    .registrars = options->registrars,
					    .packlist = &parts->packlist,
					    .created_sec = parts->source_date_epoch};
	const struct build_options how = {.jobs = (unsigned int)some->jobs,
					  .progress = some->progress,
					  .check = compare_parts,
					  .context = joining};
	struct build_result result;

	if (image_inputs_collect(some, &places, &inputs, err) < 0)
		return -1;
	inputs.set.zstd = options->zstd;
	inputs.set.revision = options->revision;
	if (layout_create(path, &layout, err) < 0)
		return -1;
	return build_images(layout, &inputs.set, &how, &result, err);
}

int
parts_make_images(const struct parts *parts, const struct step_images_options *options,
		  struct error *err)
{
	AUTO(joining_clear) struct joining joining = {.parts = parts};
	auto_free const char **names = xcalloc(parts->packlist.count + 1, sizeof(*names));
	struct workspace some = *parts->work; /* the hosts of the parts are all that is made */

	joining.opened = xcalloc(parts->count, sizeof(*joining.opened));
	for (size_t i = 0; i < parts->count; i++)
		if (open_part(parts, &parts->items[i], &joining.opened[i], err) < 0)
			return -1;
	for (size_t i = 0; i < parts->packlist.count; i++)
		names[i] = parts->packlist.hosts[i].name;
	some.hosts = (struct text_list){names, parts->packlist.count};
	return make_joined_images(&joining, &some, options, err);
}
