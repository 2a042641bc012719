/* SPDX-License-Identifier: MIT */
#include "sources/rpm/cpio.h"

#include "base/ascii.h"

#include <string.h>

#define MAGIC_SIZE  6U
#define FIELD_SIZE  8U
#define FIELD_COUNT 13U

enum field { FIELD_MODE = 1, FIELD_FILE_SIZE = 6, FIELD_NAME_SIZE = 11 };

void
cpio_init(struct cpio *cpio, struct decompressor *source, const char *label)
{
	*cpio = (struct cpio){.source = source, .label = label};
}

/* Reads exactly `length` bytes; `buffer` NULL skips them. */
static int
take(struct cpio *cpio, void *buffer, size_t length, struct error *err)
{
	ssize_t n = decompressor_read(cpio->source, buffer, length, err);

	if (n < 0)
		return -1;
	if ((size_t)n != length)
		return error_set(err, ERR_INPUT, "payload of '%s' is cut short", cpio->label);
	cpio->position += length;
	return 0;
}

static int
skip_padding(struct cpio *cpio, struct error *err)
{
	return take(cpio, NULL, (size_t)(-cpio->position & 3), err);
}

static int
skip_data(struct cpio *cpio, struct error *err)
{
	while (cpio->left > 0) {
		size_t n = cpio->left < (1U << 30) ? (size_t)cpio->left : 1U << 30;

		if (take(cpio, NULL, n, err) < 0)
			return -1;
		cpio->left -= n;
	}
	return skip_padding(cpio, err);
}

static bool
parse_hex(const char *digits, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (size_t i = 0; i < FIELD_SIZE; i++) {
		int digit = ascii_hex_value(digits[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*ret_value = value;
	return true;
}

static int
malformed(const struct cpio *cpio, struct error *err)
{
	return error_set(err, ERR_INPUT, "payload of '%s' is malformed at byte %llu", cpio->label,
			 (unsigned long long)cpio->position);
}

static int
read_stripped(struct cpio *cpio, struct cpio_entry *entry, struct error *err)
{
	char digits[FIELD_SIZE];

	if (take(cpio, digits, sizeof(digits), err) < 0)
		return -1;
	if (!parse_hex(digits, &entry->index))
		return malformed(cpio, err);
	entry->stripped = true;
	entry->mode = 0;
	entry->size = 0;
	entry->name[0] = '\0';
	return skip_padding(cpio, err);
}

static int
read_newc(struct cpio *cpio, struct cpio_entry *entry, struct error *err)
{
	char digits[FIELD_COUNT * FIELD_SIZE];
	uint32_t fields[FIELD_COUNT];
	uint32_t length;

	if (take(cpio, digits, sizeof(digits), err) < 0)
		return -1;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (!parse_hex(digits + i * FIELD_SIZE, &fields[i]))
			return malformed(cpio, err);
	}
	length = fields[FIELD_NAME_SIZE];
	if (length == 0 || length > CPIO_MAX_NAME)
		return malformed(cpio, err);
	if (take(cpio, entry->name, length, err) < 0)
		return -1;
	if (memchr(entry->name, '\0', length) != entry->name + length - 1)
		return malformed(cpio, err);
	entry->stripped = false;
	entry->index = 0;
	entry->mode = fields[FIELD_MODE];
	entry->size = fields[FIELD_FILE_SIZE];
	return skip_padding(cpio, err);
}

int
cpio_next(struct cpio *cpio, struct cpio_entry *ret_entry, struct error *err)
{
	char magic[MAGIC_SIZE];

	if (skip_data(cpio, err) < 0 || take(cpio, magic, sizeof(magic), err) < 0)
		return -1;
	if (memcmp(magic, "07070X", sizeof(magic)) == 0)
		return read_stripped(cpio, ret_entry, err) < 0 ? -1 : 1;
	if (memcmp(magic, "070701", sizeof(magic)) != 0 &&
	    memcmp(magic, "070702", sizeof(magic)) != 0)
		return malformed(cpio, err);
	if (read_newc(cpio, ret_entry, err) < 0)
		return -1;
	if (strcmp(ret_entry->name, "TRAILER!!!") == 0)
		return 0;
	cpio->left = ret_entry->size;
	return 1;
}

void
cpio_set_size(struct cpio *cpio, uint64_t size)
{
	cpio->left = size;
}

ssize_t
cpio_read(struct cpio *cpio, void *buffer, size_t length, struct error *err)
{
	if (length > cpio->left)
		length = (size_t)cpio->left;
	if (take(cpio, buffer, length, err) < 0)
		return -1;
	cpio->left -= length;
	return (ssize_t)length;
}
