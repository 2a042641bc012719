/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A SHA256SUMS file as written by `sha256sum`, or by `sha256sum --tag` and BSD's programs, in any
 * order and mixture:
 *
 *     64 hexadecimal digits, a blank, a blank or '*', the name
 *     SHA256 (the name) = 64 hexadecimal digits
 */

#include "base/digest.h"
#include "base/error.h"

#include <stddef.h>

struct checksum {
	char *name; /* without a leading "./" */
	struct digest sha256;
};

struct checksums {
	struct checksum *items;
	size_t count;
};

#define CHECKSUMS_INIT {NULL, 0}

/*
 * Empty lines and lines that begin with '#' are skipped. ERR_INPUT with `name` and the line for any
 * other line, for a name with two digests, and for more than 10000 files.
 */
int checksums_parse(const char *text, size_t length, const char *name,
		    struct checksums *ret_checksums, struct error *err) CHECKED;

void checksums_clear(struct checksums *checksums);

/* The entry of exactly this name, or NULL; borrowed. */
const struct checksum *checksums_find(const struct checksums *checksums, const char *name);
