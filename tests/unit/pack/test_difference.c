/* SPDX-License-Identifier: MIT */
#include "pack/difference.h"

#include "base/alloc.h"
#include "pack/tar.h"
#include "tests/support/test.h"

#include <string.h>
#include <zlib.h>

/* "A/header of PROGRAM, its content, end" as one gzip file of the given level. */
static struct bytes
make_tarball(int64_t mtime, char content, size_t length, int level)
{
	size_t unpacked = TAR_BLOCK + length + tar_padding(length) + TAR_TRAILER;
	auto_free uint8_t *tar = xcalloc(1, unpacked);
	uint8_t *out = xcalloc(1, unpacked + 1024);
	z_stream z = {.next_in = NULL};

	tar_file_header(tar, "qemu-arm-static", length, mtime);
	memset(tar + TAR_BLOCK, content, length);
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = tar;
	z.avail_in = (uInt)unpacked;
	z.next_out = out;
	z.avail_out = (uInt)unpacked + 1024;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&z);
	return (struct bytes){out, z.total_out};
}

static void
check_kind(const struct bytes *ours, const struct bytes *theirs, const char *part,
	   bool is_recompressed)
{
	bool recompressed = !is_recompressed;
	auto_free char *text = difference_explain(ours, theirs, &recompressed);

	assert_int_equal(recompressed, is_recompressed);
	if (part == NULL) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	if (strstr(text, part) == NULL)
		fail_msg("'%s' does not have '%s'", text, part);
}

static void
check(const struct bytes *ours, const struct bytes *theirs, const char *part)
{
	check_kind(ours, theirs, part, false);
}

static void
says_where_plain_files_differ(void **state)
{
	static const struct {
		const char *ours, *theirs, *part;
	} rows[] = {
		{"same", "same", NULL},
		{"", "", NULL},
		{"one\ntwo\n", "one\ntwO\n", "at byte 6 of 8: line 2"},
		{"one\ntwo\n", "one\n", "it ends after 4 bytes, expected 8"},
		{"one\n", "one\ntwo\n", "it is longer than the expected 4 bytes"},
		{"one", "", "it ends after 0 bytes"},
	};
	const struct bytes a = {(const uint8_t *)"\0\1\2", 3}, b = {(const uint8_t *)"\0\1\3", 3};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct bytes ours = {(const uint8_t *)rows[i].ours, strlen(rows[i].ours)};
		const struct bytes theirs = {(const uint8_t *)rows[i].theirs,
					     strlen(rows[i].theirs)};

		check(&ours, &theirs, rows[i].part);
	}
	check(&a, &b, "at byte 2 of 3");
}

static void
says_where_tarballs_differ(void **state)
{
	struct bytes one = make_tarball(1000, 'a', 700, 9), later = make_tarball(1001, 'a', 700, 9);
	struct bytes other = make_tarball(1000, 'b', 700, 9),
		     level = make_tarball(1000, 'a', 700, 0);
	struct bytes longer = make_tarball(1000, 'a', 701, 9), cut = one;
	auto_free uint8_t *headed = xcalloc(1, one.length);
	struct bytes header = {headed, one.length};

	(void)state;
	check(&one, &one, NULL);
	check(&one, &later, "; unpacked: at byte 146: time of 'qemu-arm-static'");
	check(&one, &other, "; unpacked: at byte 512: byte 0 of 'qemu-arm-static'");
	check(&one, &longer, "size of 'qemu-arm-static'");
	check(&one, &level, ", in the gzip header; the unpacked content is the same");
	((uint8_t *)(uintptr_t)level.data)[8] = one.data[8]; /* zlib notes its level there */
	check_kind(&one, &level, "the unpacked content is the same", true);
	memcpy(headed, one.data, one.length);
	headed[9] = 77; /* the operating system */
	check(&one, &header, "at byte 9 of ");
	check(&one, &header, ", in the gzip header; the unpacked content is the same");
	cut.length -= 9;
	check(&one, &cut, "it ends after");
	headed[9] = one.data[9];
	headed[one.length - 5] ^= 1; /* the CRC */
	check(&one, &header, "it cannot be unpacked");
	free((void *)(uintptr_t)one.data);
	free((void *)(uintptr_t)later.data);
	free((void *)(uintptr_t)other.data);
	free((void *)(uintptr_t)level.data);
	free((void *)(uintptr_t)longer.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_where_plain_files_differ),
		cmocka_unit_test(says_where_tarballs_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
