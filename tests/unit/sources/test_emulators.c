/* SPDX-License-Identifier: MIT */
/* sources/emulators.c over packages made up here, and the order of RPM versions. */

#include "tests/support/test.h"

#include "base/alloc.h"
#include "sources/emulators.h"
#include "sources/rpm/rpm_version.h"

/* A package in memory: the members of a row, then their end. */
struct fake {
	const struct member_info *members;
	size_t next;
};

static int
fake_next(void *state, struct member_info *ret_info, struct error *err)
{
	struct fake *fake = state;

	(void)err;
	if (fake->members[fake->next].name == NULL)
		return 0;
	*ret_info = fake->members[fake->next++];
	return 1;
}

static ssize_t
fake_read(void *state, void *buffer, size_t length, struct error *err)
{
	struct fake *fake = state;
	const struct member_info *info = &fake->members[fake->next - 1];

	(void)err;
	memset(buffer, 'x', length);
	return (ssize_t)(length < info->size ? length : info->size);
}

static struct emulator_reader *
open_fake(const struct member_info *members)
{
	static const struct package_reader_ops ops = {fake_next, fake_read, free};
	struct fake *fake = xcalloc(1, sizeof(*fake));

	fake->members = members;
	return emulator_reader_new(package_reader_new(&ops, fake), "x.rpm");
}

#define FILE_AT(path)     {path, MEMBER_FILE, 10, 0755, NULL}
#define LINK_AT(path, to) {path, MEMBER_SYMLINK, 0, 0777, to}

static const struct {
	const char *label;
	struct member_info members[5];
	const char *found;   /* targets, or NULL */
	const char *message; /* then */
} rows[] = {
	{"nothing", {{0}}, "", NULL},
	{"the metapackage",
	 {FILE_AT("usr/share/doc/qemu/README"), {"usr/bin", MEMBER_DIRECTORY, 0, 0755, NULL}},
	 "",
	 NULL},
	{"Fedora's names",
	 {FILE_AT("usr/bin/qemu-aarch64-static"), FILE_AT("usr/bin/qemu-aarch64_be-static"),
	  FILE_AT("usr/lib/binfmt.d/qemu-aarch64-static.conf")},
	 "aarch64 aarch64_be ",
	 NULL},
	{"Debian's names, and an alias before its file",
	 {LINK_AT("usr/bin/qemu-amd64", "qemu-x86_64"), FILE_AT("usr/bin/qemu-x86_64"),
	  LINK_AT("usr/bin/qemu-x86", "/usr/bin/qemu-x86_64"), FILE_AT("usr/bin/qemu-arm")},
	 "x86_64 arm ",
	 NULL},
	{"names that only look like it",
	 {FILE_AT("usr/bin/qemu-binfmt-conf.sh"), FILE_AT("usr/bin/qemu-Arm"),
	  FILE_AT("usr/bin/qemu-"), FILE_AT("usr/share/lintian/overrides/qemu-user-static")},
	 "",
	 NULL},
	{"a link without its file",
	 {LINK_AT("usr/bin/qemu-arm-static", "qemu-arm")},
	 NULL,
	 "'usr/bin/qemu-arm-static' in 'x.rpm' is a link to 'qemu-arm'"},
	{"a link to somewhere else",
	 {FILE_AT("usr/bin/qemu-arm"), LINK_AT("usr/bin/qemu-armel", "../../etc/qemu-arm")},
	 NULL,
	 "is a link to '../../etc/qemu-arm'"},
	{"the same twice",
	 {FILE_AT("usr/bin/qemu-arm"), FILE_AT("usr/bin/qemu-arm-static")},
	 NULL,
	 "'x.rpm' has a duplicate emulator for 'arm': 'usr/bin/qemu-arm-static'"},
	{"a hard link",
	 {{"usr/bin/qemu-arm", MEMBER_HARD_LINK, 0, 0755, NULL}},
	 NULL,
	 "'usr/bin/qemu-arm' in 'x.rpm' is a hard link"},
	{"a device",
	 {{"usr/bin/qemu-arm", MEMBER_OTHER, 0, 0755, NULL}},
	 NULL,
	 "'usr/bin/qemu-arm' in 'x.rpm' is not a regular file"},
	{"a directory",
	 {{"usr/bin/qemu-arm", MEMBER_DIRECTORY, 0, 0755, NULL}},
	 NULL,
	 "is not a regular file"},
	{"no such target, which is a warning",
	 {FILE_AT("usr/bin/qemu-img"), FILE_AT("usr/bin/qemu-arm")},
	 "arm ",
	 NULL},
	{"elsewhere",
	 {FILE_AT("opt/qemu/qemu-arm-static")},
	 NULL,
	 "an emulator outside usr/bin/: 'opt/qemu/qemu-arm-static'"},
	{"below usr/bin", {FILE_AT("usr/bin/x/qemu-arm")}, NULL, "outside usr/bin/"},
	{"climbing", {FILE_AT("usr/bin/../../etc/passwd")}, NULL, "usr/bin/../../etc/passwd"},
	{"climbing to its place",
	 {FILE_AT("x/../usr/bin/qemu-arm")},
	 NULL,
	 "x/../usr/bin/qemu-arm"},
};

static void
test_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct emulator_reader *reader = open_fake(rows[i].members);
		struct error err = ERROR_INIT;
		struct emulator emulator;
		char found[100] = "";
		size_t used = 0;
		int r;

		while ((r = emulator_reader_next(reader, &emulator, &err)) > 0) {
			assert_int_equal(emulator.size, 10);
			assert_int_equal(emulator.mode, 0755);
			used += (size_t)snprintf(found + used, sizeof(found) - used, "%s ",
						 emulator.target);
		}
		if (rows[i].found != NULL && (r < 0 || strcmp(found, rows[i].found) != 0))
			fail_msg("%s: '%s', found '%s'", rows[i].label, err.message, found);
		if (rows[i].message != NULL && (r >= 0 || err.code != ERR_INPUT ||
						strstr(err.message, rows[i].message) == NULL))
			fail_msg("%s: returned %d, '%s'", rows[i].label, r, err.message);
		emulator_reader_free(reader);
	}
}

static void
test_versions(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} versions[] = {
		{"2:10.2.2-1.fc44", "2:10.2.2-1.fc44", 0},
		{"2:10.2.2-1.fc44", "2:9.2.4-1.fc42", 1},
		{"2:10.2.2-1.fc44", "1:11.0.0-1.fc45", 1},
		{"10.2.2-1.fc44", "2:1.0-1", -1},
		{"2:10.2.2-1.fc44", "2:10.2.2-2.fc44", -1},
		{"2:10.2.2-1.fc43", "2:10.2.2-1.fc44", -1},
		{"2:10.2.2", "2:10.2.2-7", 0},
		{"2:10.2.0~rc1-1", "2:10.2.0-1", -1},
		{"2:10.2.0^git1-1", "2:10.2.0-1", 1},
		{"2:10.2.0^git1-1", "2:10.2.0.1-1", -1},
		{"1.010", "1.10", 0},
		{"1.a", "1.1", -1},
		{"1.0a", "1.0", 1},
		{"99999999999999999999999", "100000000000000000000000", -1},
		{"", "", 0},
		{"", "1", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		int there = rpm_evr_compare(versions[i].a, versions[i].b);
		int back = rpm_evr_compare(versions[i].b, versions[i].a);

		there = (there > 0) - (there < 0);
		back = (back > 0) - (back < 0);
		if (there != versions[i].order || back != -versions[i].order)
			fail_msg("'%s' and '%s': %d and %d", versions[i].a, versions[i].b, there,
				 back);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
