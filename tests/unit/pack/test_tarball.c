/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "pack/deflate.h"
#include "pack/layer.h"
#include "pack/tar.h"
#include "pack/tarball.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#define ZLIB_CONST
#include <zlib.h>

enum { MTIME = 1700000000 };

/* A made program of a size; the same bytes everywhere. */
static uint8_t *
make_program(size_t size)
{
	uint8_t *bytes = xmalloc(size + 1);
	uint32_t state = 5;

	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24 & (i >> 12 & 1 ? 0xff : 0x0f));
	}
	return bytes;
}

/* A tarball in memory, with all there is to know about it. */
struct made {
	int fd;
	struct packed_member member;
	struct written_file file;
	uint8_t *bytes;
};

static struct made
make_tarball(const char *target, size_t size)
{
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();
	struct made made = {.fd = memfd_create("tarball", MFD_CLOEXEC)};
	size_t room = deflater_bound(deflater, size), length;
	auto_free uint8_t *content = xmalloc(room);
	struct error err = ERROR_INIT;

	assert_true(made.fd >= 0);
	made.bytes = make_program(size);
	assert_ok(deflater_run(deflater, made.bytes, size, content, room, &length, &err), err);
	(void)snprintf(made.member.target, TARGET_SIZE, "%s", target);
	made.member.size = size;
	made.member.compressed_size = length;
	made.member.crc32 = gzip_crc(0, made.bytes, size);
	digest_of(made.bytes, size, &made.member.sha256);
	assert_ok(tarball_write(made.fd, "made", &made.member, content, MTIME, &made.file, &err),
		  err);
	return made;
}

static void
made_clear(struct made *made)
{
	(void)close(made->fd);
	free(made->bytes);
}

/* Everything inside a gzip file, by zlib, which also checks its sums; there is nothing after it. */
static uint8_t *
gunzip(int fd, size_t *ret_size)
{
	struct stat st;
	size_t room = 8u << 20;
	auto_free uint8_t *file = NULL;
	auto_free uint8_t *out = xmalloc(room);
	struct error err = ERROR_INIT;
	z_stream inflater = {.zalloc = NULL};

	assert_int_equal(fstat(fd, &st), 0);
	file = xmalloc((size_t)st.st_size);
	assert_ok(read_at(fd, 0, file, (size_t)st.st_size, "gzip", &err), err);
	assert_int_equal(inflateInit2(&inflater, 16 + MAX_WBITS), Z_OK);
	inflater.next_in = file;
	inflater.avail_in = (uInt)st.st_size;
	inflater.next_out = out;
	inflater.avail_out = (uInt)room;
	assert_int_equal(inflate(&inflater, Z_FINISH), Z_STREAM_END);
	assert_int_equal(inflater.avail_in, 0);
	*ret_size = inflater.total_out;
	(void)inflateEnd(&inflater);
	return TAKE(out);
}

static void
test_tar_header(void **state)
{
	uint8_t header[TAR_BLOCK];

	(void)state;
	tar_file_header(header, "qemu-arm-static", 01234567, 0123);
	assert_string_equal((const char *)header, "qemu-arm-static");
	assert_memory_equal(header + 100,
			    "0000755\0"
			    "0000000\0"
			    "0000000\0"
			    "00001234567\0",
			    36);
	assert_memory_equal(header + 136, "00000000123\0", 12);
	assert_memory_equal(header + 156, "0", 1);
	assert_memory_equal(header + 257,
			    "ustar\0"
			    "00",
			    8);
	tar_directory_header(header, "usr/bin/", 0);
	assert_memory_equal(header + 156, "5", 1);
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	assert_int_equal(tar_padding(513), 511);
}

static void
test_zeros(void **state)
{
	uint8_t block[GZIP_ZEROS_ROOM], out[GZIP_MAX_ZEROS];
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t zeros = 4; zeros <= GZIP_MAX_ZEROS; zeros++) {
		size_t length = gzip_zeros(block, zeros);

		memset(out, 1, sizeof(out));
		assert_true(length <= GZIP_ZEROS_ROOM);
		assert_ok(inflate_whole(block, length, out, zeros, "zeros", &err), err);
		for (size_t i = 0; i < zeros; i++)
			assert_int_equal(out[i], 0);
	}
}

/* A changed digest here is a changed format: every release built before cannot be reproduced. */
static const struct {
	const char *target;
	size_t size;
	const char *tarball, *layer, *diff_id;
} golden[] = {
	{"arm", 0, "03b30fb1e513071cddbcfcffb60bb6fbc0b6271cc16f92e49cff1f154555ee1e",
	 "01f59560d75ff96177db246111a231497a73fd2622f560897666caa4d21833ce",
	 "ada884c062c246e9e2195dde7110e4cd224ed198ac7e885adf009de1a5bdfee9"},
	{"aarch64_be", 1, "7da9a1c60d4ebdbe21a911daa489e10617d48081e274fc08adc12cb8daee34d1",
	 "77330fe247600af7a2d089bdfbaab088d6aacf533ea44b44c6c9073ca19588de",
	 "8263f83bef270ddd6480ff3542aa11cd2d13306ebcc1d675cbdbb9b72ec1b89c"},
	{"mips64el", 512, "0915e91bf29acc98c8dfea1e01a0fe6fdb89a3ce248d5f556c16d4a879923fe4",
	 "2fd9b545140541540a1bbb3560f669399390657dff030416673759c176f8bad3",
	 "20a45ac46efc2e42f8c37e57aa703f3472a2752e98c8541a7762747e809ce820"},
	{"x86_64", 300000, "adb6b0cb22d723b0bb211138185dda9b8dcd46c50a812da2bf99385851957752",
	 "8d8be210259c77d1037ec4089eeee179ecadf41549c15fc76e2511e7e70e07b8",
	 "15a5963fd4d4f104ed416aed0682bbb09e761c5197713231fab9f689fa0e4987"},
	{"riscv64", 1234567, "d7f4b2d11c4aaed7bc3c7064b1c55729399f86e7a90cc7790515c5c39ac5ad22",
	 "ec3b61c23c20471b53d54326dde63de1d47566f0f732217df5b7ec967e69a8d0",
	 "7a3ad2da18f27990349bcfe35bce153c6f7decf6f6520e39b7846f5d8f5f92bd"},
};

static void
check_hex(const char *label, const struct digest *digest, const char *wanted)
{
	char hex[DIGEST_HEX_SIZE];

	if (strcmp(digest_hex(digest, hex), wanted) != 0)
		fail_msg("%s is %s, not %s", label, hex, wanted);
}

static void
test_golden_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		AUTO(made_clear)
		struct made made = make_tarball(golden[i].target, golden[i].size);
		auto_close int fd = memfd_create("layer", MFD_CLOEXEC);
		struct layer_part part = {&made.member, made.fd, "made"};
		struct written_file layer;
		struct digest diff_id;
		struct error err = ERROR_INIT;

		assert_ok(layer_write(fd, "layer", &part, 1, MTIME, &layer, &err), err);
		assert_ok(layer_diff_id(&part, 1, MTIME, &diff_id, &err), err);
		check_hex("the tarball", &made.file.sha256, golden[i].tarball);
		check_hex("the layer", &layer.sha256, golden[i].layer);
		check_hex("the diff_id", &diff_id, golden[i].diff_id);
	}
}

static void
test_tarball_is_gzip_of_tar(void **state)
{
	static const size_t sizes[] = {0, 1, 511, 512, 513, 5000, 700001};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		AUTO(made_clear) struct made made = make_tarball("s390x", sizes[i]);
		uint8_t header[TAR_BLOCK];
		size_t size, end = TAR_BLOCK + sizes[i];
		auto_free uint8_t *tar = gunzip(made.fd, &size);
		struct digest digest;
		uint64_t length;
		struct error err = ERROR_INIT;

		tar_file_header(header, "qemu-s390x-static", sizes[i], MTIME);
		assert_int_equal(size, end + tar_padding(sizes[i]) + TAR_TRAILER);
		assert_memory_equal(tar, header, TAR_BLOCK);
		assert_memory_equal(tar + TAR_BLOCK, made.bytes, sizes[i]);
		for (; end < size; end++)
			assert_int_equal(tar[end], 0);
		assert_ok(digest_fd(made.fd, "made", &digest, &length, &err), err);
		assert_true(digest_equal(&digest, &made.file.sha256));
		assert_int_equal(length, made.file.size);
	}
}

static void
test_tarball_read(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("ppc64le", 100000);
	auto_free uint8_t *bytes = NULL;
	struct packed_member member;
	struct error err = ERROR_INIT;
	int64_t mtime_sec;

	(void)state;
	assert_ok(tarball_read(made.fd, "made", &member, &mtime_sec, &bytes, &err), err);
	assert_int_equal(mtime_sec, MTIME);
	assert_string_equal(member.target, "ppc64le");
	assert_int_equal(member.size, made.member.size);
	assert_int_equal(member.compressed_size, made.member.compressed_size);
	assert_int_equal(member.crc32, made.member.crc32);
	assert_true(digest_equal(&member.sha256, &made.member.sha256));
	assert_memory_equal(bytes, made.bytes, member.size);
}

/* Every byte of a tarball matters: whichever is changed, reading refuses, and names the file. */
static void
test_every_changed_byte_is_noticed(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("ppc64le", 700);
	struct packed_member member = {.target = "untouched"};
	struct error err = ERROR_INIT;
	int64_t mtime_sec = 1;

	(void)state;
	for (uint64_t i = 0; i < made.file.size; i++) {
		uint8_t byte, changed;

		assert_int_equal(pread(made.fd, &byte, 1, (off_t)i), 1);
		changed = byte ^ 0x21;
		assert_int_equal(pwrite(made.fd, &changed, 1, (off_t)i), 1);
		assert_refused(
			tarball_read(made.fd, "made.tar.gz", &member, &mtime_sec, NULL, &err), err,
			ERR_VERIFY, "'made.tar.gz'");
		assert_int_equal(pwrite(made.fd, &byte, 1, (off_t)i), 1);
	}
	assert_string_equal(member.target, "untouched");
	assert_ok(tarball_read(made.fd, "made", &member, &mtime_sec, NULL, &err), err);
}

/* Holes: nothing of the file is on the disk, and what is refused is not read. */
static void
test_size_has_a_limit(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("ppc64le", 700);
	struct packed_member member;
	struct error err = ERROR_INIT;
	int64_t mtime_sec;

	(void)state;
	assert_int_equal(ftruncate(made.fd, (off_t)MEMBER_MAX_SIZE + 1), 0);
	assert_refused(tarball_read(made.fd, "large.tar.gz", &member, &mtime_sec, NULL, &err), err,
		       ERR_VERIFY, "'large.tar.gz' is too large");
	assert_int_equal(ftruncate(made.fd, (off_t)MEMBER_MAX_SIZE), 0);
	assert_refused(tarball_read(made.fd, "large.tar.gz", &member, &mtime_sec, NULL, &err), err,
		       ERR_VERIFY, "'large.tar.gz' does not end with the expected bytes");
}

static void
test_every_cut_is_noticed(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("ppc64le", 700);
	struct packed_member member;
	struct error err = ERROR_INIT;
	int64_t mtime_sec;

	(void)state;
	for (off_t size = (off_t)made.file.size - 1; size >= 0; size--) {
		assert_int_equal(ftruncate(made.fd, size), 0);
		assert_refused(tarball_read(made.fd, "cut.tar.gz", &member, &mtime_sec, NULL, &err),
			       err, ERR_VERIFY, "'cut.tar.gz'");
	}
}

static void
test_all_in_one_layer(void **state)
{
	AUTO(made_clear) struct made one = make_tarball("aarch64", 70001);
	AUTO(made_clear) struct made two = make_tarball("arm", 512 * 9);
	AUTO(made_clear) struct made three = make_tarball("s390x", 1);
	const struct made *all[] = {&one, &two, &three};
	const struct layer_part parts[] = {{&one.member, one.fd, "one"},
					   {&two.member, two.fd, "two"},
					   {&three.member, three.fd, "three"}};
	AUTO(diff_id_freep) struct diff_id *running = diff_id_new(MTIME);
	auto_close int fd = memfd_create("layer", MFD_CLOEXEC);
	struct digest by_tar, by_parts, by_packing, by_file;
	struct written_file layer;
	struct error err = ERROR_INIT;
	size_t size;
	uint64_t length;

	(void)state;
	assert_ok(layer_write(fd, "layer", parts, 3, MTIME, &layer, &err), err);
	assert_ok(digest_fd(fd, "layer", &by_file, &length, &err), err);
	assert_true(digest_equal(&by_file, &layer.sha256));
	assert_int_equal(length, layer.size);

	auto_free uint8_t *tar = gunzip(fd, &size);
	assert_int_equal(size, 512 * (2 + 1 + 137 + 1 + 9 + 1 + 1 + 2));
	assert_string_equal((char *)tar, "usr/");
	assert_string_equal((char *)tar + 512, "usr/bin/");
	assert_string_equal((char *)tar + 1024, "usr/bin/qemu-aarch64-static");
	assert_memory_equal(tar + 1536, one.bytes, 70001);
	assert_string_equal((char *)tar + 1536 + 137 * 512, "usr/bin/qemu-arm-static");

	digest_of(tar, size, &by_tar);
	assert_ok(layer_diff_id(parts, 3, MTIME, &by_parts, &err), err);
	for (size_t i = 0; i < 3; i++)
		diff_id_add(running, all[i]->member.target, all[i]->bytes, all[i]->member.size);
	diff_id_finish(running, &by_packing);
	assert_true(digest_equal(&by_tar, &by_parts));
	assert_true(digest_equal(&by_tar, &by_packing));
}

static void
test_diff_id_checks_members(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("arm", 900);
	struct packed_member lie = made.member;
	struct layer_part part = {&lie, made.fd, "made.tar.gz"};
	struct error err = ERROR_INIT;
	struct digest digest;

	(void)state;
	lie.crc32++;
	assert_refused(layer_diff_id(&part, 1, MTIME, &digest, &err), err, ERR_VERIFY,
		       "'made.tar.gz' does not contain member 'arm'");
}

/* A tarball that shrank behind our back must not give a layer. */
static void
test_layer_of_short_tarball(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("arm", 9000);
	struct layer_part part = {&made.member, made.fd, "made.tar.gz"};
	auto_close int fd = memfd_create("layer", MFD_CLOEXEC);
	struct written_file layer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(ftruncate(made.fd, 700), 0);
	assert_refused(layer_write(fd, "layer", &part, 1, MTIME, &layer, &err), err, ERR_INPUT,
		       "'made.tar.gz'");
}

static void
test_full_disk(void **state)
{
	AUTO(made_clear) struct made made = make_tarball("arm", 9000);
	struct layer_part part = {&made.member, made.fd, "made.tar.gz"};
	auto_close int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct written_file layer;
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(fd >= 0);
	assert_refused(layer_write(fd, "layer.tar.gz", &part, 1, MTIME, &layer, &err), err, ERR_IO,
		       "'layer.tar.gz': No space left on device");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tar_header),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_golden_digests),
		cmocka_unit_test(test_tarball_is_gzip_of_tar),
		cmocka_unit_test(test_tarball_read),
		cmocka_unit_test(test_every_changed_byte_is_noticed),
		cmocka_unit_test(test_size_has_a_limit),
		cmocka_unit_test(test_every_cut_is_noticed),
		cmocka_unit_test(test_all_in_one_layer),
		cmocka_unit_test(test_diff_id_checks_members),
		cmocka_unit_test(test_layer_of_short_tarball),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("tarball", tests, NULL, NULL);
}
