/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Layers of images in a layout: of emulators, out of their tarballs, and of the registrar.
 */

#include "images/image_tarball.h"
#include "images/layout.h"
#include "pack/tarball.h"

/* An open tarball and what is in it. */
struct image_member {
	struct packed_member member;
	const char *path; /* borrowed */
	int fd;
};

/*
 * Opens a tarball and checks all of it, and that the program is the wanted one. `ret_diff_id` is
 * that of the gzip layer of this member alone. ERR_NOT_FOUND, ERR_VERIFY.
 */
int image_member_open(const struct image_tarball *tarball, int64_t mtime_sec,
		      struct image_member *ret_member, struct digest *ret_diff_id,
		      struct error *err) CHECKED;
void image_member_close(struct image_member *member);

/*
 * The layer of these members, whose diff_id is known, as gzip: joined from the tarballs. Written
 * unless it is there. `created_by` of the result is borrowed. ERR_IO.
 */
int layer_join(struct layout *layout, const struct image_member *members, size_t count,
	       int64_t mtime_sec, const struct digest *diff_id, const char *created_by,
	       struct oci_layer *ret_layer, struct error *err) CHECKED;

/* The diff_id of many members, for layer_join(). */
int layer_digest(const struct image_member *members, size_t count, int64_t mtime_sec,
		 struct digest *ret_diff_id, struct error *err) CHECKED;

/* The same members compressed with zstd. */
int layer_zstd(struct layout *layout, const struct image_member *members, size_t count,
	       int64_t mtime_sec, const char *created_by, struct oci_layer *ret_layer,
	       struct error *err) CHECKED;

/*
 * The layer with the program at `path` as /register. It has to be a static program for `host`.
 * ERR_NOT_FOUND, ERR_VERIFY, ERR_IO.
 */
int layer_register(struct layout *layout, const char *path, const struct arch *host,
		   int64_t mtime_sec, bool zstd, const char *created_by,
		   struct oci_layer *ret_layer, struct error *err) CHECKED;
