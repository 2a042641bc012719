#pragma once

/*
 * Joins layouts that were made on several machines, each for some hosts, into the one that a
 * single run for all hosts would have made, byte for byte.
 */

#include "images/layout.h"

/*
 * Takes over all images of the parts, comparing every digest, and makes the indexes over all their
 * hosts. `part` are the hosts of the result if it is still a part of the release, or NULL.
 * Signatures in the parts are left behind: they are over indexes that are replaced.
 *
 * ERR_INPUT: two parts have different images of one name, or were made from different releases.
 * ERR_VERIFY, ERR_NOT_FOUND: a blob is damaged or missing. ERR_IO.
 */
int assemble_images(struct layout *layout, struct layout *const *parts, size_t count,
		    const char *part, bool *ret_changed, struct error *err) CHECKED;
