/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A strict, bounded reader of one RPM header structure: the signature header and the main header
 * both have this form (rpm's "Package format", all integers big endian):
 *
 *     8e ad e8 01 00 00 00 00 | il | dl | il x {tag, type, offset, count} | dl bytes of data
 *
 * Every entry is checked when the header is parsed, so that the getters only compare type and
 * count. Only the index is copied: the header borrows the bytes.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPM_HEADER_INTRO_SIZE 16

enum rpm_type {
	RPM_TYPE_INT16 = 3,
	RPM_TYPE_INT32 = 4,
	RPM_TYPE_INT64 = 5,
	RPM_TYPE_STRING = 6,
	RPM_TYPE_BIN = 7,
	RPM_TYPE_STRING_ARRAY = 8,
	RPM_TYPE_I18NSTRING = 9,
};

/*
 * The region tag, which must be the first entry. The region of the main header, which is signed, is
 * all of it. That of the signature header may end earlier.
 */
enum rpm_region { RPM_REGION_SIGNATURE = 62, RPM_REGION_MAIN = 63 };

struct rpm_entry {
	uint32_t tag;
	uint32_t type;
	uint32_t offset; /* into `data` */
	uint32_t count;
};

struct rpm_header {
	const uint8_t *data; /* borrowed */
	uint32_t data_size;
	struct rpm_entry *entries; /* sorted by tag; owned */
	uint32_t entry_count;      /* including the region */
};

/*
 * Reads the size of the whole header from its first RPM_HEADER_INTRO_SIZE bytes. ERR_INPUT if that
 * is not a header, or one larger than `max_size`. `name` and `what` ("main header") are for
 * messages.
 */
int rpm_header_measure(const uint8_t *intro, size_t max_size, const char *name, const char *what,
		       size_t *ret_size, struct error *err) CHECKED;

/*
 * Parses `size` bytes, which must be one whole header and must stay while the header is used.
 * ERR_INPUT with the invalid entry.
 */
int rpm_header_parse(const uint8_t *bytes, size_t size, enum rpm_region region, const char *name,
		     struct rpm_header *ret_header, struct error *err) CHECKED;

void rpm_header_clear(struct rpm_header *header);

/* The entry of that tag, or NULL. */
const struct rpm_entry *rpm_header_find(const struct rpm_header *header, uint32_t tag);

/* The one string of a STRING, or of a STRING_ARRAY or I18NSTRING (its first), or NULL. */
const char *rpm_header_string(const struct rpm_header *header, uint32_t tag);

/* The first number of an INT32 entry. False if there is none of that tag and type. */
bool rpm_header_uint32(const struct rpm_header *header, uint32_t tag, uint32_t *ret_value) CHECKED;

/* The bytes of a BIN entry, borrowed, or NULL. */
const uint8_t *rpm_header_bytes(const struct rpm_header *header, uint32_t tag, size_t *ret_size);

/* The strings of a STRING_ARRAY: an array of `*ret_count` borrowed strings to be freed, or NULL. */
const char **rpm_header_strings(const struct rpm_header *header, uint32_t tag, size_t *ret_count);

/* The numbers of an INT16, INT32 or INT64 entry: an array to be freed by the caller, or NULL. */
uint64_t *rpm_header_numbers(const struct rpm_header *header, uint32_t tag, size_t *ret_count);
