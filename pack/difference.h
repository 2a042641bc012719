/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where two files that should be equal first differ, in terms of their format.
 *
 *     "at byte 9 of 5121, in the gzip header; the unpacked content is the same"
 *     "at byte 300 of 5121; unpacked: at byte 136: time of 'qemu-arm-static'"
 *     "at byte 300 of 5121; the unpacked content is the same"
 *     "at byte 77 of 950: line 4"
 *
 * gzip, tar inside it, and text are recognized; for anything else it is the byte alone.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *data;
	size_t length;
};

/*
 * A sentence, to be freed by the caller, or NULL if they are equal. `*ret_recompressed`, which may
 * be NULL, is whether only the compression differs: headers and content are the same.
 */
char *difference_explain(const struct bytes *ours, const struct bytes *theirs,
			 bool *ret_recompressed) CHECKED;
