/* SPDX-License-Identifier: MIT */
#include "pack/deflate.h"

#include "base/alloc.h"

#include <assert.h>
#include <libdeflate.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

/*
 * libdeflate compresses a buffer in one call and always sets BFINAL in the last block. To let the
 * stream go on, that one bit is cleared, and an empty stored block brings it to a byte boundary:
 *
 *     ... | BFINAL=1 BTYPE ... end of block |            as libdeflate leaves it
 *     ... | BFINAL=0 BTYPE ... end of block | 000 0..0 00 00 FF FF
 *
 * Where the last block begins is nowhere written. It is searched backwards from the end: a place
 * that looks like the header of a final dynamic block (RFC 1951, 3.2.7) is taken only if zlib,
 * starting there, decodes the known end of the content and stops in the very last byte. Both
 * lengths have a minimum below which that could be luck; then, and for stored and fixed blocks,
 * the stream is decoded from its start, which is slower and always right.
 */

enum {
	LEVEL = 6, /* never larger than gzip -9 on any emulator, in a twelfth of its time */
	OPEN_END_BYTES = 5,       /* what opening the end may add */
	SEARCH_BYTES = 400 << 10, /* libdeflate ends a block after about 300,000 bytes of content */
	PROOF_BYTES = 5000,       /* libdeflate's own least block, but for a block alone */
	PROOF_STREAM_BYTES = 256,
	WINDOW = 32 << 10,
	SCRATCH = 64 << 10,
};

struct deflater {
	struct libdeflate_compressor *compressor;
	z_stream inflater;
	uint8_t scratch[SCRATCH];
};

/* A deflate stream and a place in it, counted in bits from the start, least significant first. */
struct stream {
	const uint8_t *bytes;
	size_t length;
};

/* One block: where it begins and ends, in bits, and whether its BFINAL is set. */
struct block {
	uint64_t start, end;
	bool final;
};

static void
inflater_init(z_stream *inflater)
{
	memset(inflater, 0, sizeof(*inflater));
	if (inflateInit2(inflater, -MAX_WBITS) != Z_OK)
		out_of_memory();
}

struct deflater *
deflater_new(void)
{
	struct deflater *deflater = xcalloc(1, sizeof(*deflater));

	deflater->compressor = libdeflate_alloc_compressor(LEVEL);
	if (deflater->compressor == NULL)
		out_of_memory();
	inflater_init(&deflater->inflater);
	return deflater;
}

void
deflater_free(struct deflater *deflater)
{
	if (deflater == NULL)
		return;
	libdeflate_free_compressor(deflater->compressor);
	(void)inflateEnd(&deflater->inflater);
	free(deflater);
}

void
deflater_freep(struct deflater **deflater)
{
	deflater_free(*deflater);
	*deflater = NULL;
}

size_t
deflater_bound(struct deflater *deflater, size_t size)
{
	return libdeflate_deflate_compress_bound(deflater->compressor, size) + OPEN_END_BYTES;
}

/* Up to 57 bits at a place; zeros after the end. */
static uint64_t
bits_at(const struct stream *stream, uint64_t place)
{
	size_t byte = (size_t)(place >> 3);
	uint64_t word = 0;

	if (stream->length - byte >= 8) {
		memcpy(&word, stream->bytes + byte, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		word = __builtin_bswap64(word);
#endif
	} else {
		for (size_t i = 0; byte + i < stream->length; i++)
			word |= (uint64_t)stream->bytes[byte + i] << (8 * i);
	}
	return word >> (place & 7);
}

/* Could a final block with dynamic codes begin here? Most places fail at the first comparison. */
static bool
looks_like_final_dynamic(const struct stream *stream, uint64_t place)
{
	uint64_t bits = bits_at(stream, place);
	unsigned int literals = (unsigned int)(bits >> 3) & 31;
	unsigned int distances = (unsigned int)(bits >> 8) & 31;
	unsigned int count = ((unsigned int)(bits >> 13) & 15) + 4, sum = 0;

	if ((bits & 7) != 5 || literals > 29 || distances > 29)
		return false;
	/* The code of the code lengths has to be complete: Kraft's sum is one, here 128. */
	bits = bits_at(stream, place + 17);
	for (unsigned int i = 0; i < count; i++, bits >>= 3)
		sum += (128u >> (bits & 7)) & 127u;
	return sum == 128;
}

/* Lets zlib begin at any bit of a stream. */
static void
inflater_seek(z_stream *inflater, const struct stream *stream, uint64_t place)
{
	size_t byte = (size_t)(place >> 3);
	int skip = (int)(place & 7);

	(void)inflateReset(inflater);
	inflater->next_in = stream->bytes + byte;
	inflater->avail_in = (uInt)(stream->length - byte);
	if (skip != 0) {
		(void)inflatePrime(inflater, 8 - skip, stream->bytes[byte] >> skip);
		inflater->next_in++;
		inflater->avail_in--;
	}
}

/* Where the next bit comes from, after a call that stopped at the end of a block. */
static uint64_t
inflater_place(const z_stream *inflater, const struct stream *stream)
{
	return (uint64_t)(stream->length - inflater->avail_in) * 8 -
	       (uint64_t)(inflater->data_type & 63);
}

/*
 * Decodes the block at `place`. `before` is the content before it, of which the last 32 KiB may be
 * referred to; NULL stands for any. `wanted` is what must come out, or NULL to only count.
 * Returns the count of bytes, or -1 if this is no final block that reaches the end of the stream.
 */
static int64_t
decode_last_block(struct deflater *deflater, const struct stream *stream, uint64_t place,
		  const uint8_t *before, size_t before_size, const uint8_t *wanted,
		  uint64_t *ret_end)
{
	z_stream *inflater = &deflater->inflater;
	int64_t total = 0;

	inflater_seek(inflater, stream, place);
	inflater->next_out = deflater->scratch;
	inflater->avail_out = SCRATCH;
	if (inflate(inflater, Z_TREES) != Z_OK)
		return -1;
	if (before_size > WINDOW) {
		before = before != NULL ? before + before_size - WINDOW : NULL;
		before_size = WINDOW;
	}
	if (before_size != 0 &&
	    inflateSetDictionary(inflater, before != NULL ? before : deflater->scratch,
				 (uInt)before_size) != Z_OK)
		return -1;
	for (;;) {
		size_t got;
		int result = inflate(inflater, Z_BLOCK);

		if (result != Z_OK && result != Z_BUF_ERROR)
			return -1;
		got = SCRATCH - inflater->avail_out;
		if (wanted != NULL && memcmp(deflater->scratch, wanted + total, got) != 0)
			return -1;
		total += (int64_t)got;
		if ((inflater->data_type & 128) != 0)
			break;
		if (got == 0)
			return -1;
		inflater->next_out = deflater->scratch;
		inflater->avail_out = SCRATCH;
	}
	*ret_end = inflater_place(inflater, stream);
	return (*ret_end + 7) / 8 == stream->length ? total : -1;
}

/* Whether the last block begins at `place`, beyond doubt. */
static bool
prove_last_block(struct deflater *deflater, const struct stream *stream, uint64_t place,
		 const uint8_t *content, size_t size, struct block *ret_block)
{
	int64_t count =
		decode_last_block(deflater, stream, place, NULL, WINDOW, NULL, &ret_block->end);
	size_t before;

	/* How much it decodes to does not depend on what came before; what it decodes to does. */
	if (count < PROOF_BYTES || (uint64_t)count > size)
		return false;
	before = size - (size_t)count;
	if (decode_last_block(deflater, stream, place, content, before, content + before,
			      &ret_block->end) != count)
		return false;
	ret_block->start = place;
	ret_block->final = true;
	return true;
}

static bool
search_last_block(struct deflater *deflater, const struct stream *stream, const uint8_t *content,
		  size_t size, struct block *ret_block)
{
	uint64_t end = (uint64_t)stream->length * 8, stop = 0;

	if (stream->length <= PROOF_STREAM_BYTES)
		return false;
	if (stream->length > SEARCH_BYTES)
		stop = end - (uint64_t)SEARCH_BYTES * 8;
	for (uint64_t place = end - (uint64_t)PROOF_STREAM_BYTES * 8; place > stop; place--)
		if (looks_like_final_dynamic(stream, place) &&
		    prove_last_block(deflater, stream, place, content, size, ret_block))
			return true;
	return false;
}

/* Decodes the whole stream, noting each block. */
static int
walk_to_last_block(z_stream *inflater, uint8_t *scratch, const struct stream *stream,
		   struct block *ret_block, struct error *err)
{
	struct block block = {0, 0, false};

	inflater_seek(inflater, stream, 0);
	while (!block.final) {
		int result;

		inflater->next_out = scratch;
		inflater->avail_out = SCRATCH;
		result = inflate(inflater, Z_BLOCK);
		if (result != Z_OK)
			return error_set(err, ERR_IO, "the compressor produced a damaged stream");
		if ((inflater->data_type & 128) == 0)
			continue;
		block.start = block.end;
		block.end = inflater_place(inflater, stream);
		block.final = (inflater->data_type & 64) != 0;
	}
	if ((block.end + 7) / 8 != stream->length)
		return error_set(err, ERR_IO, "the compressor's stream is cut short");
	*ret_block = block;
	return 0;
}

/* Clears BFINAL and appends the empty stored block. Returns the new length. */
static size_t
open_end(uint8_t *stream, size_t length, const struct block *last)
{
	static const uint8_t empty[] = {0, 0, 0xff, 0xff};

	assert((stream[last->start >> 3] >> (last->start & 7) & 1) == 1);
	stream[last->start >> 3] &= (uint8_t)~(1u << (last->start & 7));
	/*
	 * The bits after the end are zero; the three bits of a stored block's header may not fit.
	 */
	if ((uint64_t)length * 8 - last->end < 3)
		stream[length++] = 0;
	memcpy(stream + length, empty, sizeof(empty));
	return length + sizeof(empty);
}

int
deflate_open_end(uint8_t *stream, size_t length, size_t *ret_length, struct error *err)
{
	auto_free uint8_t *scratch = xmalloc(SCRATCH);
	struct stream view = {stream, length};
	struct block last;
	z_stream inflater;
	int result;

	inflater_init(&inflater);
	result = walk_to_last_block(&inflater, scratch, &view, &last, err);
	(void)inflateEnd(&inflater);
	if (result < 0)
		return -1;
	*ret_length = open_end(stream, length, &last);
	return 0;
}

int
deflater_run(struct deflater *deflater, const uint8_t *bytes, size_t size, uint8_t *out,
	     size_t room, size_t *ret_length, struct error *err)
{
	struct stream stream = {out, 0};
	struct block last;

	assert(room >= deflater_bound(deflater, size));
	stream.length = libdeflate_deflate_compress(deflater->compressor, bytes, size, out,
						    room - OPEN_END_BYTES);
	if (stream.length == 0)
		return error_set(err, ERR_IO, "the compressor failed");
	if (!search_last_block(deflater, &stream, bytes, size, &last) &&
	    walk_to_last_block(&deflater->inflater, deflater->scratch, &stream, &last, err) < 0)
		return -1;
	*ret_length = open_end(out, stream.length, &last);
	return 0;
}

char *
deflater_identity(void)
{
	enum { SAMPLE = 64 << 10 };
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();
	size_t room = deflater_bound(deflater, SAMPLE), length;
	auto_free uint8_t *sample = xmalloc(SAMPLE);
	auto_free uint8_t *out = xmalloc(room);
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;
	uint32_t state = 1;

	/* Text with repetitions near and far, so that every part of the compressor has its say. */
	for (size_t i = 0; i < SAMPLE; i++) {
		state = state * 1664525 + 1013904223;
		sample[i] = (state >> 30) == 0 && i > 4099 ? sample[i - 4099 + (state >> 20 & 7)]
							   : (uint8_t)(state >> 24 & state >> 16);
	}
	length = libdeflate_deflate_compress(deflater->compressor, sample, SAMPLE, out, room);
	digest_of(out, length, &digest);
	return xasprintf("libdeflate %s level %d, probe %.16s", LIBDEFLATE_VERSION_STRING, LEVEL,
			 digest_hex(&digest, hex));
}

int
inflate_whole(const uint8_t *stream, size_t length, uint8_t *out, size_t size, const char *name,
	      struct error *err)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	size_t consumed = 0, produced = 0;
	enum libdeflate_result result;

	if (decompressor == NULL)
		out_of_memory();
	result = libdeflate_deflate_decompress_ex(decompressor, stream, length, out, size,
						  &consumed, &produced);
	libdeflate_free_decompressor(decompressor);
	if (result != LIBDEFLATE_SUCCESS || consumed != length || produced != size)
		return error_set(err, ERR_VERIFY,
				 "the compressed content of '%s' is damaged or has the wrong size",
				 name);
	return 0;
}
