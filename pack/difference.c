/* SPDX-License-Identifier: MIT */
#include "pack/difference.h"

#include "base/alloc.h"
#include "pack/tar.h"

#include <string.h>
#include <zlib.h>

enum {
	GZIP_HEAD = 10,
	GZIP_TAIL = 8,
	BLOCK = TAR_BLOCK,
	MAX_UNPACKED = 256 << 20, /* a damaged file must not fill the memory */
};

static size_t
first_difference(const struct bytes *a, const struct bytes *b)
{
	size_t least = a->length < b->length ? a->length : b->length, i = 0;

	while (i < least && a->data[i] == b->data[i])
		i++;
	return i;
}

static bool
is_same(const struct bytes *a, const struct bytes *b)
{
	return a->length == b->length &&
	       (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

static bool
is_gzip(const struct bytes *file)
{
	return file->length >= GZIP_HEAD + GZIP_TAIL && file->data[0] == 0x1f &&
	       file->data[1] == 0x8b;
}

/* All members of a gzip file in memory, to be freed by the caller; NULL if it is damaged. */
static uint8_t *
unpack(const struct bytes *file, size_t *ret_length)
{
	z_stream z = {.next_in = NULL};
	auto_free uint8_t *out = NULL;
	size_t room = 0, length = 0;
	int code = Z_OK;

	if (file->length > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
		return NULL;
	z.next_in = (Bytef *)(uintptr_t)file->data; /* zlib does not write there */
	z.avail_in = (uInt)file->length;
	while (code == Z_OK && length < MAX_UNPACKED) {
		if (length == room) {
			room = room == 0 ? 1 << 16 : room * 2;
			out = xreallocarray(out, room, 1);
		}
		z.next_out = out + length;
		z.avail_out = (uInt)(room - length);
		code = inflate(&z, Z_NO_FLUSH);
		length = room - z.avail_out;
		if (code == Z_STREAM_END && z.avail_in != 0)
			code = inflateReset(&z);
	}
	(void)inflateEnd(&z);
	if (code != Z_STREAM_END)
		return NULL;
	*ret_length = length;
	return TAKE(out);
}

/* The fields of a tar header, by where they end. */
static const char *
tar_field(size_t offset)
{
	static const struct {
		size_t end;
		const char *name;
	} fields[] = {
		{100, "name"},   {108, "mode"},  {116, "owner"},      {124, "group"},
		{136, "size"},   {148, "time"},  {156, "checksum"},   {157, "type"},
		{257, "link"},   {265, "magic"}, {297, "owner name"}, {329, "group name"},
		{345, "device"}, {500, "path"},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (offset < fields[i].end)
			return fields[i].name;
	return "padding";
}

static bool
is_tar_header(const struct bytes *tar, size_t at)
{
	return tar->length - at >= BLOCK && memcmp(tar->data + at + 257, "ustar", 5) == 0;
}

static size_t
octal(const uint8_t *field, size_t length)
{
	size_t value = 0;

	for (size_t i = 0; i < length && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (size_t)(field[i] - '0');
	return value;
}

/* What stands at `offset` of a tar file, to be freed by the caller; NULL if it is no tar. */
static char *
tar_place(const struct bytes *tar, size_t offset)
{
	size_t at = 0;

	if (tar->length < BLOCK || !is_tar_header(tar, 0))
		return NULL;
	while (at <= offset && at < tar->length && is_tar_header(tar, at)) {
		const uint8_t *header = tar->data + at;
		size_t size = octal(header + 124, 11);
		size_t blocks = (size + BLOCK - 1) / BLOCK * BLOCK;
		auto_free char *name = xstrndup((const char *)header, 100);

		if (offset < at + BLOCK)
			return xasprintf("%s of '%s'", tar_field(offset - at), name);
		at += BLOCK;
		if (offset < at + size)
			return xasprintf("byte %zu of '%s'", offset - at, name);
		if (blocks > tar->length - at)
			break;
		at += blocks;
	}
	return xstrdup("end of the tar");
}

static char *
explain_unpacked(const struct bytes *ours, const struct bytes *theirs, bool *ret_same)
{
	auto_free uint8_t *a = NULL, *b = NULL;
	auto_free char *place = NULL;
	struct bytes first, second;
	size_t at;

	a = unpack(ours, &first.length);
	b = unpack(theirs, &second.length);
	if (a == NULL || b == NULL)
		return xstrdup("it cannot be unpacked");
	first.data = a;
	second.data = b;
	*ret_same = is_same(&first, &second);
	if (*ret_same)
		return xstrdup("the unpacked content is the same");
	at = first_difference(&first, &second);
	/* Ours is whole, so that names and sizes can be believed. */
	place = tar_place(&first, at);
	return xasprintf("unpacked: at byte %zu%s%s", at, place != NULL ? ": " : "",
			 place != NULL ? place : "");
}

static bool
is_text(const struct bytes *file)
{
	return file->length != 0 && memchr(file->data, '\0', file->length) == NULL;
}

static size_t
line_of(const struct bytes *file, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < file->length; i++)
		line += file->data[i] == '\n' ? 1 : 0;
	return line;
}

char *
difference_explain(const struct bytes *ours, const struct bytes *theirs, bool *ret_recompressed)
{
	auto_free char *inner = NULL;
	bool same = false;
	size_t at;

	if (ret_recompressed != NULL)
		*ret_recompressed = false;
	if (is_same(ours, theirs))
		return NULL;
	at = first_difference(ours, theirs);
	if (at >= theirs->length)
		return xasprintf("it ends after %zu bytes, expected %zu", theirs->length,
				 ours->length);
	if (at >= ours->length)
		return xasprintf("it is longer than the expected %zu bytes", ours->length);
	if (is_gzip(ours) && is_gzip(theirs)) {
		inner = explain_unpacked(ours, theirs, &same);
		if (ret_recompressed != NULL)
			*ret_recompressed = same && at >= GZIP_HEAD;
		return xasprintf("at byte %zu of %zu%s; %s", at, theirs->length,
				 at < GZIP_HEAD ? ", in the gzip header" : "", inner);
	}
	if (is_text(ours) && is_text(theirs))
		return xasprintf("at byte %zu of %zu: line %zu", at, theirs->length,
				 line_of(ours, at));
	return xasprintf("at byte %zu of %zu", at, theirs->length);
}
