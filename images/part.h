/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The images of a part of a release, which another machine made for some of the hosts, against
 * those that were made here for all of them.
 */

#include "images/layout.h"
#include "model/arch.h"

/* Everything is borrowed. */
struct image_part {
	const char *name;            /* of the part, for messages */
	const struct layout *layout; /* as the part has it */
	const struct arch *const *hosts;
	size_t host_count;
	const char *hosts_text; /* "aarch64,s390x"; NULL for a part with all hosts of the release */
};

/*
 * Compares the layout of a part with what a run for its hosts makes: `tags` of the layout `made`,
 * of which the indexes are made again over the hosts of the part. Its names, every document and
 * layer, index.json and the list of files have to be the same, so that nothing of the part is left
 * that was not made here.
 *
 * ERR_VERIFY names the part and what is different in it: a name, a field of a config, a layer, a
 * file. ERR_NOT_FOUND (a blob is missing), ERR_IO.
 */
int image_part_check(const struct image_part *part, const struct layout *made,
		     const struct layout_tags *tags, struct error *err) CHECKED;
