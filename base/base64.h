/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Base64 (RFC 4648, section 4) with padding, strict when reading.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text for `length` bytes, to be freed by the caller. */
char *base64_encode(const void *bytes, size_t length) CHECKED;

/*
 * Reads exactly the one spelling that base64_encode() would write: no blanks, no line ends, padding
 * present, unused bits zero. At most `room` bytes are stored. Returns false for anything else; then
 * `ret_length` is unchanged and `bytes` may hold a part.
 */
bool base64_decode(const char *text, size_t length, uint8_t *bytes, size_t room,
		   size_t *ret_length) CHECKED;
