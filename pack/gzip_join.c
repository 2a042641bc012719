/* SPDX-License-Identifier: MIT */
#include "pack/gzip_join.h"

#include "base/alloc.h"
#include "base/file.h"

#include <assert.h>
#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

/*
 * One gzip member (RFC 1952) around one deflate stream (RFC 1951):
 *
 *   10 bytes 1f 8b 08 00 0000 0000 00 ff
 *   stored block: 00 LEN ~LEN, bytes           (tar headers, padding)
 *   content: blocks that end with 00 00 ff ff  (from deflater_run(), any number of them, between
 *                                               stored blocks)
 *   final block with fixed codes               (zeros: padding and trailer of the tar)
 *   CRC-32, length modulo 2^32
 *
 * The final block is written here rather than by a compressor, so that a file joined again from
 * the same content is the same in every version of every library.
 */
const uint8_t gzip_header[GZIP_HEADER] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

struct gzip_join {
	int fd;
	const char *name;
	struct hasher *hasher;
	uint64_t written;
	uint64_t raw_size;
	uint32_t crc;
};

struct gzip_join *
gzip_join_new(int fd, const char *name)
{
	struct gzip_join *join = xcalloc(1, sizeof(*join));

	join->fd = fd;
	join->name = name;
	join->hasher = hasher_new();
	return join;
}

void
gzip_join_free(struct gzip_join *join)
{
	if (join == NULL)
		return;
	hasher_free(join->hasher);
	free(join);
}

void
gzip_join_freep(struct gzip_join **join)
{
	gzip_join_free(*join);
	*join = NULL;
}

static int
put(struct gzip_join *join, const void *bytes, size_t length, struct error *err)
{
	if (join->written == 0) {
		hasher_update(join->hasher, gzip_header, sizeof(gzip_header));
		join->written = sizeof(gzip_header);
		if (write_all(join->fd, gzip_header, sizeof(gzip_header), join->name, err) < 0)
			return -1;
	}
	hasher_update(join->hasher, bytes, length);
	join->written += length;
	return write_all(join->fd, bytes, length, join->name, err);
}

void
gzip_stored_header(uint8_t header[GZIP_STORED_HEADER], size_t length)
{
	assert(length <= GZIP_MAX_RAW);
	header[0] = 0;
	header[1] = (uint8_t)length;
	header[2] = (uint8_t)(length >> 8);
	header[3] = (uint8_t)~header[1];
	header[4] = (uint8_t)~header[2];
}

int
gzip_join_raw(struct gzip_join *join, const void *bytes, size_t length, struct error *err)
{
	uint8_t header[GZIP_STORED_HEADER];

	gzip_stored_header(header, length);
	join->crc = gzip_crc(join->crc, bytes, length);
	join->raw_size += length;
	if (put(join, header, sizeof(header), err) < 0)
		return -1;
	return put(join, bytes, length, err);
}

void
gzip_join_begin_content(struct gzip_join *join, uint64_t size, uint32_t crc)
{
	join->crc = gzip_crc_combine(join->crc, crc, size);
	join->raw_size += size;
}

int
gzip_join_compressed(struct gzip_join *join, const void *bytes, size_t length, struct error *err)
{
	return put(join, bytes, length, err);
}

static void
put_little_endian(uint8_t *out, uint32_t number)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (uint8_t)(number >> (8 * i));
}

void
gzip_trailer(uint8_t trailer[GZIP_TRAILER], uint32_t crc, uint64_t raw_size)
{
	put_little_endian(trailer, crc);
	put_little_endian(trailer + 4, (uint32_t)raw_size);
}

int
gzip_join_finish(struct gzip_join *join, size_t zeros, struct written_file *ret_file,
		 struct error *err)
{
	static const uint8_t nothing[GZIP_MAX_ZEROS];
	uint8_t end[GZIP_ZEROS_ROOM + GZIP_TRAILER];
	size_t length = gzip_zeros(end, zeros);

	join->crc = gzip_crc(join->crc, nothing, zeros);
	join->raw_size += zeros;
	gzip_trailer(end + length, join->crc, join->raw_size);
	if (put(join, end, length + GZIP_TRAILER, err) < 0)
		return -1;
	hasher_finish(join->hasher, &ret_file->sha256);
	ret_file->size = join->written;
	return 0;
}

struct bit_writer {
	uint8_t *out;
	size_t length; /* in bits */
};

/* Least significant bit first, as numbers are written in deflate. */
static void
put_bits(struct bit_writer *writer, unsigned int bits, unsigned int count)
{
	for (; count > 0; count--, bits >>= 1, writer->length++)
		writer->out[writer->length >> 3] |= (uint8_t)((bits & 1) << (writer->length & 7));
}

/* Most significant bit first, as codes are. */
static void
put_code(struct bit_writer *writer, unsigned int code, unsigned int count)
{
	while (count-- > 0)
		put_bits(writer, code >> count & 1, 1);
}

/* "Again the byte before, `length` times", 3 to 258 (RFC 1951, 3.2.5 and 3.2.6). */
static void
put_repetition(struct bit_writer *writer, unsigned int length)
{
	unsigned int symbol = 254 + length, over = length - 3, extra = 0;

	if (length == 258) {
		symbol = 285;
	} else if (length > 10) {
		extra = 29 - (unsigned int)__builtin_clz(over);
		symbol = 261 + 4 * extra + (over >> extra & 3);
	}
	if (symbol < 280)
		put_code(writer, symbol - 256, 7);
	else
		put_code(writer, 0xc0 + symbol - 280, 8);
	put_bits(writer, over & ((1u << extra) - 1), extra);
	put_code(writer, 0, 5); /* distance 1 */
}

size_t
gzip_zeros(uint8_t out[GZIP_ZEROS_ROOM], size_t zeros)
{
	struct bit_writer writer = {out, 0};

	assert(zeros >= 4 && zeros <= GZIP_MAX_ZEROS);
	memset(out, 0, GZIP_ZEROS_ROOM);
	put_bits(&writer, 1, 1); /* BFINAL */
	put_bits(&writer, 1, 2); /* fixed codes */
	put_code(&writer, 0x30, 8);
	for (size_t left = zeros - 1; left != 0;) {
		size_t piece = left < 258 ? left : 258;

		/* No repetition is shorter than three. */
		if (left - piece == 1 || left - piece == 2)
			piece -= 3;
		put_repetition(&writer, (unsigned int)piece);
		left -= piece;
	}
	put_code(&writer, 0, 7); /* end of block */
	return (writer.length + 7) / 8;
}

uint32_t
gzip_crc(uint32_t crc, const void *bytes, size_t length)
{
	return libdeflate_crc32(crc, bytes, length);
}

uint32_t
gzip_crc_combine(uint32_t first, uint32_t second, uint64_t second_length)
{
	return (uint32_t)crc32_combine(first, second, (z_off_t)second_length);
}
