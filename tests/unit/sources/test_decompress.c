/* SPDX-License-Identifier: MIT */
#include "sources/decompress.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "tests/support/refuse.h"
#include "tests/support/test.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <lzma.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ROOM = 1 << 20 };

/* Another compression of all of it. */
static size_t
pack(uint8_t *out, int filter, const void *bytes, size_t size)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(archive_write_add_filter(archive, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(archive), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_in_last_block(archive, 1), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(archive, out, ROOM, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, bytes, size), (la_ssize_t)size);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_entry_free(entry);
	(void)archive_write_free(archive);
	return used;
}

static int
file_of(const void *bytes, size_t size)
{
	struct error err = ERROR_INIT;
	int fd = nameless_file(&err);

	assert_true(fd >= 0);
	assert_ok(write_all(fd, bytes, size, "file", &err), err);
	return fd;
}

/* All of it, of at most `room` bytes; -1 as the functions say. */
static ssize_t
unpack(int fd, enum compression compression, uint8_t *out, size_t room, struct error *err)
{
	AUTO(decompressor_freep) struct decompressor *source = NULL;

	if (decompressor_open(fd, 0, compression, "file", &source, err) < 0)
		return -1;
	return decompressor_read(source, out, room, err);
}

static const struct row {
	enum compression compression;
	int filter;
} rows[] = {
	{COMPRESSION_NONE, ARCHIVE_FILTER_NONE},   {COMPRESSION_GZIP, ARCHIVE_FILTER_GZIP},
	{COMPRESSION_BZIP2, ARCHIVE_FILTER_BZIP2}, {COMPRESSION_LZMA, ARCHIVE_FILTER_LZMA},
	{COMPRESSION_XZ, ARCHIVE_FILTER_XZ},       {COMPRESSION_ZSTD, ARCHIVE_FILTER_ZSTD},
};

/* Each within each: the outer one is undone, and what comes out is the inner file as it is. */
static void
one_compression_is_undone(void **state)
{
	auto_free uint8_t *inner = malloc(ROOM), *outer = malloc(ROOM), *out = malloc(ROOM);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(rows); i++) {
		const struct row *first = &rows[i / ARRAY_SIZE(rows)];
		const struct row *second = &rows[i % ARRAY_SIZE(rows)];
		size_t size = pack(inner, first->filter, "the bytes", 9);
		size_t packed = pack(outer, second->filter, inner, size);
		auto_close int fd = file_of(outer, packed);
		struct error err = ERROR_INIT;
		ssize_t n = unpack(fd, second->compression, out, ROOM, &err);

		assert_ok(n, err);
		assert_int_equal(n, size);
		assert_memory_equal(out, inner, size);
	}
}

static void
other_data_is_refused(void **state)
{
	auto_free uint8_t *packed = malloc(ROOM), *out = malloc(ROOM);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(rows); i++) {
		const struct row *is = &rows[i / ARRAY_SIZE(rows)];
		const struct row *says = &rows[i % ARRAY_SIZE(rows)];
		size_t size = pack(packed, is->filter, "the bytes", 9);
		auto_close int fd = file_of(packed, size);
		struct error err = ERROR_INIT;

		if (is != says && says->compression != COMPRESSION_NONE)
			assert_refused(unpack(fd, says->compression, out, ROOM, &err), err,
				       ERR_INPUT, "compress");
	}
}

static void
every_cut_is_refused(void **state)
{
	auto_free uint8_t *packed = malloc(ROOM), *out = malloc(ROOM);

	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(rows); i++) {
		size_t size = pack(packed, rows[i].filter, "the bytes", 9);

		for (size_t cut = 0; cut < size; cut++) {
			auto_close int fd = file_of(packed, cut);
			struct error err = ERROR_INIT;
			ssize_t n = unpack(fd, rows[i].compression, out, ROOM, &err);

			/* A decoder may give the last bytes before it looks for the end. */
			if (n > 9 || (n < 0 && err.code != ERR_INPUT) || (n >= 0 && n < 9))
				fail_msg("compression %zu, %zu of %zu bytes: %zd, %s", i, cut, size,
					 n, err.message);
		}
	}
}

/* Memory is taken as the file says, before a byte has been decompressed. */
static void
a_dictionary_has_a_limit(void **state)
{
	static const struct {
		uint32_t size;
		bool refused;
	} dictionaries[] = {{128U << 20, false}, {(128U << 20) + 1, true}, {UINT32_MAX, true}};
	auto_free uint8_t *packed = malloc(ROOM);
	uint8_t out[16];
	size_t size = pack(packed, ARCHIVE_FILTER_LZMA, "the bytes", 9);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dictionaries); i++) {
		struct error err = ERROR_INIT;

		for (int j = 0; j < 4; j++)
			packed[1 + j] = (uint8_t)(dictionaries[i].size >> (8 * j));
		auto_close int fd = file_of(packed, size);

		if (dictionaries[i].refused)
			assert_refused(unpack(fd, COMPRESSION_LZMA, out, sizeof(out), &err), err,
				       ERR_INPUT, "dictionary");
		else
			assert_int_equal(unpack(fd, COMPRESSION_LZMA, out, sizeof(out), &err), 9);
	}
}

/*
 * One stream after another whose only block asks for a dictionary of 2^11 bytes times what `code`
 * says; the head of a block is 02 00 21 01 CODE 00 00 00 and its CRC-32.
 */
static void
ask_for_dictionary(uint8_t *stream, uint8_t code)
{
	static const uint8_t head[] = {0x02, 0x00, 0x21, 0x01};
	uint32_t crc;

	assert_memory_equal(stream + 12, head, sizeof(head));
	stream[16] = code;
	crc = lzma_crc32(stream + 12, 8, 0);
	for (int i = 0; i < 4; i++)
		stream[20 + i] = (uint8_t)(crc >> (8 * i));
}

static void
each_dictionary_of_xz_has_a_limit(void **state)
{
	enum { MIB_64 = 28, MIB_128 = 30, MIB_192 = 31, GIB_1 = 36, GIB_4 = 40 };
	static const struct {
		uint8_t codes[2];
		bool refused;
	} dictionaries[] = {
		{{MIB_64, MIB_64}, false}, {{MIB_64, MIB_128}, false}, {{MIB_192, MIB_64}, true},
		{{MIB_64, GIB_1}, true},   {{GIB_4, MIB_64}, true},    {{MIB_64, GIB_4}, true},
	};
	auto_free uint8_t *packed = malloc(ROOM);
	uint8_t out[32];
	size_t size = pack(packed, ARCHIVE_FILTER_XZ, "the bytes", 9);

	(void)state;
	memcpy(packed + size, packed, size);
	for (size_t i = 0; i < ARRAY_SIZE(dictionaries); i++) {
		struct error err = ERROR_INIT;

		ask_for_dictionary(packed, dictionaries[i].codes[0]);
		ask_for_dictionary(packed + size, dictionaries[i].codes[1]);
		auto_close int fd = file_of(packed, 2 * size);

		if (dictionaries[i].refused)
			assert_refused(unpack(fd, COMPRESSION_XZ, out, sizeof(out), &err), err,
				       ERR_INPUT, "a dictionary of more than");
		else
			assert_int_equal(unpack(fd, COMPRESSION_XZ, out, sizeof(out), &err), 18);
	}
}

/* Members without content, within a member of their own: next to nothing that costs much. */
static void
nothing_within_nothing_is_cheap(void **state)
{
	enum { MEMBERS = 20000 };
	auto_free uint8_t *empty = malloc(ROOM), *packed = malloc(ROOM), *out = malloc(ROOM);
	size_t one = pack(empty, ARCHIVE_FILTER_GZIP, "", 0), size;
	struct error err = ERROR_INIT;
	ssize_t n;

	(void)state;
	assert_true(MEMBERS * one < ROOM);
	for (size_t i = 1; i < MEMBERS; i++)
		memcpy(empty + i * one, empty, one);
	size = pack(packed, ARCHIVE_FILTER_GZIP, empty, MEMBERS * one);
	auto_close int fd = file_of(packed, size);

	n = unpack(fd, COMPRESSION_GZIP, out, ROOM, &err);
	assert_ok(n, err);
	assert_int_equal(n, MEMBERS * one);
}

static void
a_failed_read_is_of_this_machine(void **state)
{
	auto_free uint8_t *packed = malloc(ROOM);
	size_t size = pack(packed, ARCHIVE_FILTER_XZ, "the bytes", 9);
	auto_close int fd = file_of(packed, size);
	int status = 0;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		AUTO(decompressor_freep) struct decompressor *source = NULL;
		struct error err = ERROR_INIT;

		if (refuse_syscall(SYS_pread64, EIO) < 0)
			_exit(77);
		_exit(decompressor_open(fd, 0, COMPRESSION_XZ, "file", &source, &err) < 0 &&
				      err.code == ERR_IO &&
				      strstr(err.message, "Input/output error") != NULL
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_because("no system call can be refused here");
	assert_int_equal(status, 0);
}

/* Members of gzip that end where the first piece does that is read; one more follows. */
static size_t
members_of_a_piece(uint8_t *out)
{
	enum { PIECE = 256 << 10, HEAD = 10, NAMED = 8 };
	static uint8_t one[ROOM];
	size_t size = pack(one, ARCHIVE_FILTER_GZIP, "the bytes", 9), used = 0, name;

	assert_true(size > HEAD && size <= 64);
	for (; PIECE - used >= 3 * size; used += size)
		memcpy(out + used, one, size);
	/* The last one has a name of the right length in its head. */
	name = PIECE - used - size;
	memcpy(out + used, one, HEAD);
	out[used + 3] |= NAMED;
	memset(out + used + HEAD, 'n', name - 1);
	out[used + HEAD + name - 1] = '\0';
	memcpy(out + used + HEAD + name, one + HEAD, size - HEAD);
	memcpy(out + PIECE, one, size);
	return PIECE + size;
}

static void
a_read_that_fails_between_members_is_no_end(void **state)
{
	auto_free uint8_t *packed = malloc(ROOM), *out = malloc(ROOM);
	size_t size = members_of_a_piece(packed);
	auto_close int fd = file_of(packed, size);
	struct error err = ERROR_INIT;
	int status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(unpack(fd, COMPRESSION_GZIP, out, ROOM, &err) % 9, 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		AUTO(decompressor_freep) struct decompressor *source = NULL;

		if (decompressor_open(fd, 0, COMPRESSION_GZIP, "file", &source, &err) < 0)
			_exit(1);
		if (refuse_syscall(SYS_pread64, EIO) < 0)
			_exit(77);
		_exit(decompressor_read(source, out, ROOM, &err) < 0 && err.code == ERR_IO ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_because("no system call can be refused here");
	assert_int_equal(status, 0);
}

/* The last test: the signal stays pending. */
static void
a_signal_ends_it(void **state)
{
	auto_free uint8_t *packed = malloc(ROOM), *out = malloc(ROOM);
	size_t size = pack(packed, ARCHIVE_FILTER_GZIP, out, ROOM / 2);
	auto_close int fd = file_of(packed, size);
	AUTO(decompressor_freep) struct decompressor *source = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(decompressor_open(fd, 0, COMPRESSION_GZIP, "file", &source, &err), err);
	assert_int_equal(decompressor_read(source, out, 10, &err), 10);
	interrupt_install();
	assert_int_equal(raise(SIGTERM), 0);
	assert_refused(decompressor_read(source, out, ROOM, &err), err, ERR_INTERRUPTED,
		       "interrupted");
	assert_refused(unpack(fd, COMPRESSION_GZIP, out, ROOM, &err), err, ERR_INTERRUPTED,
		       "interrupted");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_compression_is_undone),
		cmocka_unit_test(other_data_is_refused),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(a_dictionary_has_a_limit),
		cmocka_unit_test(each_dictionary_of_xz_has_a_limit),
		cmocka_unit_test(nothing_within_nothing_is_cheap),
		cmocka_unit_test(a_failed_read_is_of_this_machine),
		cmocka_unit_test(a_read_that_fails_between_members_is_no_end),
		cmocka_unit_test(a_signal_ends_it),
	};

	return cmocka_run_group_tests_name("decompress", tests, NULL, NULL);
}
