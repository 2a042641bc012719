/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Parts of a release: OUT directories that other machines made, each for some hosts.
 *
 * Nothing that a part says of itself is believed. Its programs are compared with the lock by
 * content, and all that follows from them (lists, layers, images) is made again here and compared.
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

/* What the parts have to be of, which is borrowed, and what joining them gives. */
struct parts {
	const struct workspace *work;
	const struct matrix *matrix;
	const struct lock *lock;
	int64_t source_date_epoch;
	struct part *items;
	size_t count;
	struct packlist packlist; /* of all parts, made from their tarballs */
	struct asset_list assets;
};

void parts_clear(struct parts *parts);

/*
 * Reads the lists of one more part. ERR_INPUT: not a part, the output directory itself, of another
 * lock, date or compressor, or with a host that the matrix does not have or another part has too.
 */
int parts_add(struct parts *parts, const char *directory, struct error *err) CHECKED;

/*
 * Reads every tarball of all parts and fills in `packlist` and `assets`. ERR_VERIFY names what is
 * not as the lock has it, a list that says something else, and a file that does not belong to a
 * part. ERR_INPUT (a file is missing), ERR_IO.
 */
int parts_check(struct parts *parts, struct error *err) CHECKED;

/*
 * Takes over the assets into OUT/assets, after parts_check(). What is there already is left.
 * ERR_VERIFY if a file has changed in the meantime. ERR_IO.
 */
int parts_take_assets(const struct parts *parts, struct error *err) CHECKED;

/*
 * Makes OUT/images from OUT/assets, and compares the images of each part with them before they get
 * their names. ERR_VERIFY, ERR_INPUT (no images, or made with other options), ERR_IO, errors of
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
