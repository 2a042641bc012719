/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Parts of a release: OUT directories built on other machines, each for some hosts.
 *
 * Parts are not trusted. Their programs are compared with the lock by content, and everything
 * derived from them (lists, layers, images) is rebuilt here and compared.
 */

#include "distributor/steps/images.h"
#include "distributor/workspace/workspace.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "model/asset.h"
#include "pack/packlist.h"

#include <stddef.h>

struct part {
	const char *directory;    /* borrowed */
	struct packlist packlist; /* as the part has it */
	struct asset_list assets; /* the same */
};

/* What the parts must match, borrowed, and the joined result. */
struct parts {
	const struct workspace *work;
	int64_t source_date_epoch;
	struct part *items;
	size_t count;
	struct packlist packlist; /* of all parts, made from their tarballs */
	struct asset_list assets;
};

void parts_clear(struct parts *parts);

/*
 * Reads the lists of one more part. ERR_INPUT: not a part, the output directory itself, a different
 * lock, date or compressor, or a host that is not in the matrix or in two parts.
 */
int parts_add(struct parts *parts, const char *directory, struct error *err) CHECKED;

/*
 * Reads every tarball of all parts and fills in `packlist` and `assets`. ERR_VERIFY names a program
 * that does not match the lock, a list that does not match the tarballs, or an unexpected file.
 * ERR_INPUT (a file is missing), ERR_IO.
 */
int parts_check(struct parts *parts, struct error *err) CHECKED;

/*
 * Copies the assets into OUT/assets, after parts_check(). Existing files with the right digest are
 * kept. ERR_VERIFY if a file changed in the meantime. ERR_IO.
 */
int parts_take_assets(const struct parts *parts, struct error *err) CHECKED;

/*
 * Builds OUT/images from OUT/assets, and compares the images of each part with them before they are
 * tagged. ERR_VERIFY, ERR_INPUT (no images, or built with different options), ERR_IO, errors of
 * build_images().
 */
int parts_make_images(const struct parts *parts, const struct step_images_options *options,
		      struct error *err) CHECKED;

/* Writes OUT/packed.json and OUT/assets.json. ERR_IO. */
int parts_write_lists(struct parts *parts, struct error *err) CHECKED;

/*
 * The hosts of a packlist in the order of arch_table, "aarch64,s390x"; to be freed by the caller.
 */
char *part_hosts(const struct packlist *packlist) CHECKED;
