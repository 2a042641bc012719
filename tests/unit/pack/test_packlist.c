/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/link.h"
#include "pack/packlist.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
add_member(struct packlist_host *host, const char *target, uint8_t seed)
{
	char package[] = "qemu-user_8.1_amd64.deb", version[] = "1:8.1+ds-1";
	struct packlist_member member = {.package = package, .package_version = version};

	(void)snprintf(member.packed.target, TARGET_SIZE, "%s", target);
	member.packed.size = 1000u + seed;
	member.packed.crc32 = 0xfedcba98u + seed;
	member.packed.compressed_size = 500u + seed;
	memset(member.packed.sha256.bytes, seed, DIGEST_SIZE);
	member.tarball.size = 1100u + seed;
	memset(member.tarball.sha256.bytes, seed + 1, DIGEST_SIZE);
	memset(member.diff_id.bytes, seed + 2, DIGEST_SIZE);
	memset(member.package_sha256.bytes, seed + 3, DIGEST_SIZE);
	packlist_add_member(host, &member);
}

static struct packlist
make_manifest(void)
{
	struct packlist packlist = {.compressor = xstrdup("libdeflate"),
				    .source_date_epoch = 1700000000};
	struct packlist_host *host = packlist_add_host(&packlist, "x86_64");

	host->legacy_names = true;
	add_member(host, "aarch64", 10);
	add_member(host, "arm", 20);
	memset(host->all_in_one_diff_id.bytes, 7, DIGEST_SIZE);
	packlist_add_all_in_one(host, "aarch64");
	packlist_add_all_in_one(host, "arm");
	add_member(packlist_add_host(&packlist, "aarch64"), "arm", 30);
	return packlist;
}

static void
test_round_trip(void **state)
{
	AUTO(packlist_clear) struct packlist packlist = make_manifest();
	AUTO(packlist_clear) struct packlist back = PACKLIST_INIT;
	auto_free char *text = packlist_format(&packlist);
	auto_free char *again = NULL;
	const struct packlist_host *host;
	const struct packlist_member *member;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(packlist_parse("packed.json", text, strlen(text), &back, &err), err);
	again = packlist_format(&back);
	assert_string_equal(text, again);
	assert_int_equal(back.count, 2);
	assert_string_equal(back.hosts[0].name, "aarch64");
	host = packlist_find_host(&back, "x86_64");
	assert_non_null(host);
	assert_true(host->legacy_names);
	assert_int_equal(host->all_in_one_count, 2);
	assert_string_equal(host->all_in_one_targets[1], "arm");
	member = packlist_find_member(host, "arm");
	assert_non_null(member);
	assert_int_equal(member->packed.crc32, 0xfedcba98u + 20);
	assert_int_equal(member->packed.compressed_size, 520);
	assert_int_equal(member->tarball.sha256.bytes[5], 21);
	assert_string_equal(member->package_version, "1:8.1+ds-1");
	assert_null(packlist_find_host(&back, "s390x"));
	assert_null(packlist_find_member(host, "mips"));
}

static void
test_asset_list(void **state)
{
	static const char *const names[] = {
		"aarch64_qemu-arm-static.tar.gz", "qemu-aarch64-static",
		"qemu-aarch64-static.tar.gz",     "qemu-arm-static",
		"qemu-arm-static.tar.gz",         "x86_64_qemu-aarch64-static.tar.gz",
		"x86_64_qemu-arm-static.tar.gz",
	};
	AUTO(packlist_clear) struct packlist packlist = make_manifest();
	AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT;
	const struct asset *program;

	(void)state;
	packlist_list_assets(&packlist, &list);
	assert_int_equal(list.count, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(list.items[i].name, names[i]);
	program = &list.items[3];
	assert_int_equal(program->kind, ASSET_LEGACY_BINARY);
	assert_int_equal(program->size, 1020);
	assert_int_equal(program->sha256.bytes[0], 20);
	assert_int_equal(list.items[4].size, 1120);
}

static const struct {
	const char *from, *to; /* replaced in the text of a good packlist */
	const char *message;
} broken[] = {
	{"\"format\": 1", "\"format\": 2", "format"},
	{"\"format\": 1", "\"formal\": 1", "did you mean"},
	{"\"source_date_epoch\": 1700000000", "\"source_date_epoch\": 99999999999", "too large"},
	{"\"target\": \"arm\"", "\"target\": \"../arm\"", "members[0].target"},
	{"\"target\": \"arm\"", "\"target\": \"abcdefghijklmnopqrstuvwxyz0123456789\"",
	 "plain name"},
	{"\"host\": \"aarch64\"", "\"host\": \"a/b\"", "hosts[0].host"},
	{"\"host\": \"aarch64\"", "\"host\": \"x86_64\"", "duplicate"},
	{"\"crc32\": 4275878582", "\"crc32\": 4294967296", "crc32"},
	{"\"target\": \"aarch64\"", "\"target\": \"zzz\"", "out of order"},
	{"1f1f1f", "1f1f1g", "sha256"},
	{"\"size\": 1130", "\"size\": \"1130\"", "size"},
	{"\"targets\": [", "\"targets\": [ 5, ", "strings"},
	{"\"legacy_names\": true", "\"legacy_names\": 1", "legacy_names"},
};

static char *
replace_first(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	if (at == NULL)
		fail_msg("'%s' is not in the packlist", from);
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void
test_broken(void **state)
{
	AUTO(packlist_clear) struct packlist packlist = make_manifest();
	auto_free char *text = packlist_format(&packlist);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		auto_free char *bad = replace_first(text, broken[i].from, broken[i].to);
		struct packlist back = PACKLIST_INIT;
		struct error err = ERROR_INIT;

		assert_refused(packlist_parse("packed.json", bad, strlen(bad), &back, &err), err,
			       ERR_INPUT, broken[i].message);
		assert_non_null(strstr(err.message, "packed.json:"));
		assert_null(back.hosts);
	}
}

static void
test_link(void **state)
{
	char directory[] = "/tmp/test_link.XXXXXX";
	struct error err = ERROR_INIT;
	struct stat one, two;

	(void)state;
	assert_non_null(mkdtemp(directory));
	auto_free char *from = path_join(directory, "from");
	auto_free char *to = path_join(directory, "to");
	auto_free char *left = path_join(directory, ".to.link.tmp");

	assert_ok(write_file(from, "text", 4, 0644, &err), err);
	assert_ok(write_file(to, "older", 5, 0600, &err), err);
	/* What a killed run left behind is in nobody's way. */
	assert_ok(write_file(left, "older", 5, 0600, &err), err);
	for (int i = 0; i < 2; i++) {
		assert_ok(link_or_copy(from, to, &err), err);
		assert_int_equal(stat(from, &one), 0);
		assert_int_equal(stat(to, &two), 0);
		assert_int_equal(one.st_ino, two.st_ino);
		assert_int_equal(access(left, F_OK), -1);
	}
	assert_int_equal(unlink(from), 0);
	assert_refused(link_or_copy(from, to, &err), err, ERR_IO, "/from'");
	assert_int_equal(unlink(to), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* Between two file systems there is no hard link: the copy has the same bytes and mode. */
static void
test_copy(void **state)
{
	char here[] = "/tmp/test_copy.XXXXXX", there[] = "/dev/shm/test_copy.XXXXXX";
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;
	struct stat one, two;

	(void)state;
	assert_non_null(mkdtemp(here));
	if (mkdtemp(there) == NULL || stat(here, &one) < 0 || stat(there, &two) < 0 ||
	    one.st_dev == two.st_dev) {
		(void)rmdir(there);
		(void)rmdir(here);
		skip_because("there is no second file system at /dev/shm");
	}
	auto_free char *from = path_join(here, "from");
	auto_free char *to = path_join(there, "to");

	assert_ok(write_file(from, "text", 4, 0755, &err), err);
	assert_ok(link_or_copy(from, to, &err), err);
	assert_ok(read_file(to, 100, &text, NULL, &err), err);
	assert_string_equal(text, "text");
	assert_int_equal(stat(to, &two), 0);
	assert_int_equal(two.st_mode & 07777, 0755);
	assert_int_equal(unlink(to) | unlink(from) | rmdir(here) | rmdir(there), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_asset_list),
		cmocka_unit_test(test_broken),     cmocka_unit_test(test_link),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests_name("packlist", tests, NULL, NULL);
}
