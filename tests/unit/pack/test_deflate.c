/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "pack/deflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

/* Small contents, made by rule: each kind shows another face to the compressor. */
enum kind { ZERO, RANDOM, TEXT, HALF_RANDOM, RANDOM_THEN_ZERO, ZERO_THEN_RANDOM };

struct row {
	const char *label;
	enum kind kind;
	size_t size;
};

static const struct row rows[] = {
	{"empty", ZERO, 0},
	{"one byte", RANDOM, 1},
	{"two bytes", TEXT, 2},
	{"below what is worth compressing", TEXT, 30},
	{"a tar block of zeros", ZERO, 512},
	{"least block less one", TEXT, 4999},
	{"least block", TEXT, 5000},
	{"least block and one", TEXT, 5001},
	{"a stored block exactly", RANDOM, 65535},
	{"a stored block and one", RANDOM, 65536},
	{"two stored blocks", RANDOM, 131070},
	{"two stored blocks and one", RANDOM, 131071},
	{"a soft block less one", TEXT, 299999},
	{"a soft block", TEXT, 300000},
	{"a soft block and one", TEXT, 300001},
	{"a soft block and a least one", TEXT, 305000},
	{"a soft block and a bit more than a least one", TEXT, 305001},
	{"three soft blocks of text", TEXT, 1000000},
	{"zeros", ZERO, 3000000},
	{"incompressible", RANDOM, 1000001},
	{"half and half", HALF_RANDOM, 2000003},
	{"ends in zeros", RANDOM_THEN_ZERO, 1500000},
	{"begins with zeros", ZERO_THEN_RANDOM, 1500000},
};

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void
fill(uint8_t *bytes, enum kind kind, size_t size)
{
	static const char words[] = "static emulator binary of another architecture, ";
	uint32_t state = (uint32_t)size + 7;

	for (size_t i = 0; i < size; i++) {
		uint32_t r = next_random(&state);
		bool noise = kind == RANDOM || (kind == HALF_RANDOM && (i >> 16 & 1) != 0) ||
			     (kind == RANDOM_THEN_ZERO && i < size / 2) ||
			     (kind == ZERO_THEN_RANDOM && i >= size / 2);

		if (noise)
			bytes[i] = (uint8_t)r;
		else if (kind == TEXT || kind == HALF_RANDOM)
			bytes[i] = (uint8_t)words[(i + (r % 61 == 0 ? r % 11 : 0)) % 48];
		else
			bytes[i] = 0;
	}
}

/*
 * Decodes with zlib, which must stop for want of input, not at an end, having given everything;
 * then a final empty block must end it.
 */
static void
check_stream(const char *label, const uint8_t *stream, size_t length, const uint8_t *want,
	     size_t size)
{
	static uint8_t last[] = {1, 0, 0, 0xff, 0xff};
	auto_free uint8_t *got = xmalloc(size + 1);
	z_stream inflater = {.zalloc = NULL};

	assert_int_equal(inflateInit2(&inflater, -MAX_WBITS), Z_OK);
	inflater.next_in = stream;
	inflater.avail_in = (uInt)length;
	inflater.next_out = got;
	inflater.avail_out = (uInt)size + 1;
	assert_int_equal(inflate(&inflater, Z_SYNC_FLUSH), Z_OK);
	if (inflater.total_out != size || inflater.avail_in != 0)
		fail_msg("%s: %lu bytes, not %zu", label, inflater.total_out, size);
	if (size != 0)
		assert_memory_equal(got, want, size);
	inflater.next_in = last;
	inflater.avail_in = sizeof(last);
	if (inflate(&inflater, Z_FINISH) != Z_STREAM_END || inflater.avail_in != 0 ||
	    inflater.total_out != size)
		fail_msg("%s: the stream does not go on at a byte boundary", label);
	(void)inflateEnd(&inflater);
	if (length < 4 || memcmp(stream + length - 4, "\0\0\377\377", 4) != 0)
		fail_msg("%s: no empty stored block at the end", label);
}

/* Decoding from the start finds the same last block as the search from the end. */
static void
check_slow_way(const char *label, const uint8_t *bytes, size_t size, const uint8_t *fast,
	       size_t fast_length)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
	size_t room = libdeflate_deflate_compress_bound(compressor, size) + 5, length;
	auto_free uint8_t *slow = xmalloc(room);
	struct error err = ERROR_INIT;

	length = libdeflate_deflate_compress(compressor, bytes, size, slow, room - 5);
	libdeflate_free_compressor(compressor);
	assert_ok(deflate_open_end(slow, length, &length, &err), err);
	if (length != fast_length || memcmp(slow, fast, length) != 0)
		fail_msg("%s: the two ways differ", label);
}

static void
check_content(struct deflater *deflater, const char *label, const uint8_t *bytes, size_t size)
{
	size_t room = deflater_bound(deflater, size), length = 0;
	auto_free uint8_t *out = xmalloc(room);
	struct error err = ERROR_INIT;

	assert_ok(deflater_run(deflater, bytes, size, out, room, &length, &err), err);
	assert_true(length <= room);
	check_stream(label, out, length, bytes, size);
	check_slow_way(label, bytes, size, out, length);
}

static void
test_made_contents(void **state)
{
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free uint8_t *bytes = xmalloc(rows[i].size + 1);

		fill(bytes, rows[i].kind, rows[i].size);
		check_content(deflater, rows[i].label, bytes, rows[i].size);
	}
}

/* Every size around small ones: the bits that are left in the last byte take all their values. */
static void
test_every_small_size(void **state)
{
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();
	uint8_t bytes[700];

	(void)state;
	fill(bytes, TEXT, sizeof(bytes));
	for (size_t size = 0; size <= sizeof(bytes); size++)
		check_content(deflater, "small", bytes, size);
}

/* Real programs: this one, and what DISTRIBUTOR_TEST_BINARIES lists. */
static void
test_real_binaries(void **state)
{
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();
	auto_free char *list = xstrdup(getenv("DISTRIBUTOR_TEST_BINARIES") != NULL
					       ? getenv("DISTRIBUTOR_TEST_BINARIES")
					       : "/proc/self/exe");
	char *rest = list, *path;

	(void)state;
	while ((path = strsep(&rest, ":\n")) != NULL) {
		auto_free char *bytes = NULL;
		struct error err = ERROR_INIT;
		size_t size = 0;

		if (*path == '\0')
			continue;
		assert_ok(read_file(path, 64u << 20, &bytes, &size, &err), err);
		check_content(deflater, path, (const uint8_t *)bytes, size);
	}
}

/* A compressor's own stream, raw, as deflater_run() would see it before it opens the end. */
static void
test_open_end_refuses_damage(void **state)
{
	uint8_t cut[64] = {0x4b}, trailing[64] = {0x03, 0x00, 0x00, 0x00};
	struct error err = ERROR_INIT;
	size_t length = 99;

	(void)state;
	assert_refused(deflate_open_end(cut, 1, &length, &err), err, ERR_IO, "damaged stream");
	assert_refused(deflate_open_end(trailing, 4, &length, &err), err, ERR_IO, "is cut short");
	assert_int_equal(length, 99);
}

static void
test_inflate_whole(void **state)
{
	static const uint8_t stream[] = {0x01, 0x02, 0x00, 0xfd, 0xff, 'o', 'k'};
	struct error err = ERROR_INIT;
	uint8_t out[3];

	(void)state;
	assert_ok(inflate_whole(stream, sizeof(stream), out, 2, "it", &err), err);
	assert_memory_equal(out, "ok", 2);
	assert_refused(inflate_whole(stream, sizeof(stream) - 1, out, 2, "it", &err), err,
		       ERR_VERIFY, "'it'");
	assert_refused(inflate_whole(stream, sizeof(stream), out, 3, "it", &err), err, ERR_VERIFY,
		       "'it'");
	assert_refused(inflate_whole(stream, sizeof(stream), out, 1, "it", &err), err, ERR_VERIFY,
		       "'it'");
}

static void
test_identity(void **state)
{
	auto_free char *one = deflater_identity();
	auto_free char *two = deflater_identity();

	(void)state;
	assert_string_equal(one, two);
	assert_non_null(strstr(one, "level 6, probe "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_contents),
		cmocka_unit_test(test_every_small_size),
		cmocka_unit_test(test_real_binaries),
		cmocka_unit_test(test_open_end_refuses_damage),
		cmocka_unit_test(test_inflate_whole),
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
