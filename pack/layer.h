/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Image layers from the compressed bytes in the tarballs.
 *
 * A layer is a gzip file of the tar `usr/`, `usr/bin/`, then `usr/bin/qemu-$target-static` for each
 * member in the order given. One member makes a pair's layer, many the all-in-one layer.
 */

#include "base/digest.h"
#include "base/error.h"
#include "pack/tarball.h"

#include <stddef.h>
#include <stdint.h>

/* The digest of a layer's uncompressed tar, which OCI calls diff_id. */
struct diff_id;

/* Starts with the two directories. */
struct diff_id *diff_id_new(int64_t mtime_sec) CHECKED;
void diff_id_free(struct diff_id *diff_id);
void diff_id_freep(struct diff_id **diff_id); /* for AUTO() */

/* Adds the next member: the program's bytes. */
void diff_id_add(struct diff_id *diff_id, const char *target, const uint8_t *bytes, size_t size);

/* Ends the tar and stores its digest; nothing can be added afterwards. */
void diff_id_finish(struct diff_id *diff_id, struct digest *ret_digest);

/* A member and the open tarball that holds it, both borrowed. `name` is for messages. */
struct layer_part {
	const struct packed_member *member;
	int fd;
	const char *name;
};

/*
 * Writes a layer at the current offset of `fd`. The members' values must have been checked, by
 * tarball_read() or by the sha256 of the tarballs. ERR_IO, ERR_INPUT (a tarball is cut short).
 */
int layer_write(int fd, const char *name, const struct layer_part *parts, size_t count,
		int64_t mtime_sec, struct written_file *ret_file, struct error *err) CHECKED;

/*
 * The diff_id of the layer of these parts, when it was not computed during packing: decompresses
 * each part and compares it with its member. ERR_VERIFY, ERR_IO.
 */
int layer_diff_id(const struct layer_part *parts, size_t count, int64_t mtime_sec,
		  struct digest *ret_digest, struct error *err) CHECKED;
