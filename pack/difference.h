/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where two files that should be the same begin to differ, in the words of their format.
 *
 *     "at byte 9 of 5121, in the header of gzip; unpacked they are the same"
 *     "at byte 300 of 5121; unpacked, at byte 136: time of 'qemu-arm-static'"
 *     "at byte 300 of 5121; unpacked they are the same"
 *     "at byte 77 of 950: line 4"
 *
 * gzip, tar inside it, and text are told apart; anything else gets the byte alone.
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
 * The sentence, to be freed by the caller, or NULL when they are the same. `*ret_recompressed`
 * tells whether they only were compressed otherwise: headers and what is in them are the same. It
 * may be NULL.
 */
char *difference_explain(const struct bytes *ours, const struct bytes *theirs,
			 bool *ret_recompressed) CHECKED;
