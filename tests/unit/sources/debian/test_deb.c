/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "model/arch.h"
#include "model/package.h"
#include "sources/debian/deb.h"
#include "sources/debian/deb_control.h"
#include "sources/emulator_version.h"
#include "sources/package_inspect.h"
#include "sources/package_open.h"
#include "tests/support/package_builder.h"

#include <stdlib.h>
#include <unistd.h>

static const char control[] = "Package: qemu-user\n"
			      "Source: qemu (1:10.0.2+ds-1)\n"
			      "Version: 1:10.0.2+ds-1+b1\n"
			      "Architecture: arm64\n"
			      "Built-Using: glibc (= 2.41-12), zlib (= 1:1.3)\n"
			      "Static-Built-Using: rust-x (= 1)\n"
			      "Description: stand-in\n"
			      " .\n"
			      " for tests\n";

static const struct elf_kind arm64 = {
	2, 1, 183, 0, false, "qemu-arm version 10.0.2 (Debian 1:10.0.2+ds-1+b1)"};

static char directory[] = "/tmp/test_deb.XXXXXX";

static int
make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int
remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

/* The bytes as a file, to be unlinked and freed by the caller. */
static char *
as_file(const char *name, const struct strbuf *bytes)
{
	char *path = path_join(directory, name);
	struct error err = ERROR_INIT;

	assert_ok(write_file(path, bytes->text, bytes->length, 0644, &err), err);
	return path;
}

static void
drop(char **path)
{
	(void)unlink(*path);
	free(*path);
}

static int
read_all(const char *path, struct strbuf *names, struct error *err)
{
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	struct member_info info;
	int r;

	if (deb_reader_open(path, NULL, &reader, err) < 0)
		return -1;
	while ((r = package_reader_next(reader, &info, err)) > 0) {
		char bytes[256];
		ssize_t n = package_reader_read(reader, bytes, sizeof(bytes), err);

		if (n < 0)
			return -1;
		strbuf_addf(names, "%s %d %llu %o %s %.*s\n", info.name, info.type,
			    (unsigned long long)info.size, info.mode,
			    info.link_target != NULL ? info.link_target : "-", (int)n, bytes);
	}
	return r;
}

static void
files_come_one_by_one(void **state)
{
	static const struct tar_entry entries[] = {
		{"./", '5', 0755, NULL, 0, NULL},
		{"./usr/bin/a", '0', 04755, "hello", 5, NULL},
		{"./usr/bin/b", '2', 0777, NULL, 0, "a"},
		{"./usr/bin/c", '1', 0755, NULL, 0, "./usr/bin/a"},
		{"usr/bin/d", '0', 0644, "", 0, NULL},
		{"./dev/e", '3', 0600, NULL, 0, NULL},
	};
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
	AUTO(strbuf_clear) struct strbuf names = STRBUF_INIT;
	AUTO(drop) char *path = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	build_deb(&deb, control, entries, ARRAY_SIZE(entries));
	path = as_file("a.deb", &deb);
	assert_ok(read_all(path, &names, &err), err);
	assert_string_equal(strbuf_text(&names), " 3 0 755 - \n"
						 "usr/bin/a 0 5 4755 - hello\n"
						 "usr/bin/b 1 0 777 a \n"
						 "usr/bin/c 2 0 755 ./usr/bin/a \n"
						 "usr/bin/d 0 0 644 - \n"
						 "dev/e 4 0 600 - \n");
}

static void
control_becomes_a_package(void **state)
{
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
	AUTO(drop) char *path = NULL;
	AUTO(deb822_clear) struct deb822 fields = DEB822_INIT;
	AUTO(package_clear) struct package package = {0};
	struct error err = ERROR_INIT;

	(void)state;
	build_deb(&deb, control, NULL, 0);
	path = as_file("a.deb", &deb);
	assert_ok(deb_read_control(path, NULL, &fields, &err), err);
	assert_ok(deb_control_fill(&fields, "a.deb", &package, &err), err);
	assert_string_equal(package.name, "qemu-user");
	assert_string_equal(package.version, "1:10.0.2+ds-1+b1");
	assert_string_equal(package.arch, "arm64");
	assert_string_equal(package.qemu_version, "10.0.2");
	assert_string_equal(package.source_package, "qemu (= 1:10.0.2+ds-1)");
	assert_int_equal(package.built_using_count, 3);
	assert_string_equal(package.built_using[0], "glibc (= 2.41-12)");
	assert_string_equal(package.built_using[1], "zlib (= 1:1.3)");
	assert_string_equal(package.built_using[2], "rust-x (= 1)");
	assert_null(deb_control_why_not_static(&fields));
}

/* What each row puts where the three parts of a package should be. */
static void
malformed_packages_say_why(void **state)
{
	static const char tar_end[1024];
	static const struct {
		const char *names[3];
		const char *format;
		const char *wanted;
	} rows[] = {
		{{"debian-binary", "data.tar", "control.tar"},
		 "2.0\n",
		 "member data.tar, expected control.tar"},
		{{"control.tar", "debian-binary", "data.tar"}, "2.0\n", "expected debian-binary"},
		{{"debian-binary", "control.tar", NULL},
		 "2.0\n",
		 "no more members, expected data.tar"},
		{{"debian-binary", "control.tar", "data.tar"}, "3.0\n", "format '3.0'"},
		{{"debian-binary", "control.tar", "data.tar"}, "2.0", "format '2.0'"},
		{{"debian-binary2", "control.tar", "data.tar"}, "2.0\n", "begins with"},
		{{"debian-binary", "control.tar", "data.tar.lz4"},
		 "2.0\n",
		 "compression of 'data.tar.lz4' is not supported"},
		{{"debian-binary", "control.tar", "data.tar.xz"}, "2.0\n", "damaged or cut short"},
		{{"debian-binary", "control.tar", "data.tar.gz"}, "2.0\n", "damaged or cut short"},
		{{"debian-binary", "control.tar", "data.tar.zst"}, "2.0\n", "damaged or cut short"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
		AUTO(strbuf_clear) struct strbuf names = STRBUF_INIT;
		AUTO(drop) char *path = NULL;
		struct error err = ERROR_INIT;

		build_ar_start(&deb);
		build_ar_part(&deb, rows[i].names[0], rows[i].format, strlen(rows[i].format));
		build_ar_part(&deb, rows[i].names[1], tar_end, sizeof(tar_end));
		if (rows[i].names[2] != NULL)
			build_ar_part(&deb, rows[i].names[2], tar_end, sizeof(tar_end));
		path = as_file("bad.deb", &deb);
		assert_refused(read_all(path, &names, &err), err, ERR_INPUT, rows[i].wanted);
		assert_non_null(strstr(err.message, "'bad.deb'"));
	}
}

static void
parts_with_an_underscore_are_passed_over(void **state)
{
	static const char tar_end[1024];
	static const char *const names[] = {"_gpgorigin", "control.tar", "_x", "data.tar", "_y"};
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	AUTO(drop) char *path = NULL;
	AUTO(drop) char *longer = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	build_ar_start(&deb);
	build_ar_part(&deb, "debian-binary", "2.1\nmore\n", 9);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		build_ar_part(&deb, names[i], tar_end, sizeof(tar_end));
	path = as_file("a.deb", &deb);
	assert_ok(read_all(path, &text, &err), err);
	build_ar_part(&deb, "extra.tar", tar_end, sizeof(tar_end));
	longer = as_file("b.deb", &deb);
	assert_refused(read_all(longer, &text, &err), err, ERR_INPUT,
		       "'b.deb' has member 'extra.tar' after its data");
}

static void
a_package_cut_anywhere_is_refused(void **state)
{
	static const struct tar_entry entries[] = {
		{"./usr/bin/a", '0', 0755, "hello", 5, NULL},
		{"./usr/bin/b", '0', 0755, control, sizeof(control), NULL},
	};
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;

	(void)state;
	build_deb(&deb, control, entries, ARRAY_SIZE(entries));
	for (size_t length = 0; length < deb.length; length += 61) {
		struct strbuf cut = {.text = deb.text, .length = length};
		AUTO(strbuf_clear) struct strbuf names = STRBUF_INIT;
		AUTO(drop) char *path = as_file("cut.deb", &cut);
		struct error err = ERROR_INIT;

		if (read_all(path, &names, &err) >= 0)
			fail_msg("accepted with %zu of %zu bytes", length, deb.length);
		assert_int_equal(err.code, ERR_INPUT);
	}
}

static void
what_is_no_package_is_refused(void **state)
{
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	AUTO(drop) char *path = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(deb_reader_open("/nonexistent/x.deb", NULL, &reader, &err), err,
		       ERR_NOT_FOUND, "x.deb");
	assert_refused(deb_reader_open("/tmp", NULL, &reader, &err), err, ERR_INPUT,
		       "not a regular");
	strbuf_adds(&text, "<html>no such page</html>");
	path = as_file("page.deb", &text);
	assert_refused(deb_reader_open(path, NULL, &reader, &err), err, ERR_INPUT, "'page.deb'");
	assert_refused(package_reader_open(path, NULL, &reader, &err), err, ERR_INPUT,
		       "page.deb' is neither an .rpm nor a .deb");
	assert_null(reader);
}

static void
versions_inside_are_compared(void **state)
{
	static const struct {
		const char *text, *package, *wanted; /* NULL: it is accepted */
	} rows[] = {
		{"10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)", "1:10.0.13+ds-0+deb13u1", NULL},
		{"7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)", "1:7.2+dfsg-7+deb12u18+b3", NULL},
		{"10.2.2 (qemu-10.2.2-1.fc44)", "2:10.2.2-1.fc44", NULL},
		{"10.2.2", "2:10.2.2-1.fc44", NULL},
		{"10.0.91 (Debian 1:10.1.0~rc1+ds-1)", "1:10.1.0~rc1+ds-1", NULL},
		{"10.0.93 (qemu-10.1.0~rc3-1.fc44)", "2:10.1.0~rc3-1.fc44", NULL},
		{"9.2.91 (Debian 1:10.0.0~rc1+ds-1)", "1:10.0.0~rc1+ds-1", NULL},
		{"10.0.92 (Debian 1:10.1.0~rc1+ds-1)", "1:10.1.0~rc1+ds-1", "version 10.0.92"},
		{"10.1.0 (Debian 1:10.1.0~rc1+ds-1)", "1:10.1.0~rc1+ds-1", "version 10.1.0"},
		{"10.0.91", "1:10.1.0-1", "version 10.0.91"},
		{"10.2.2 (somebody's own)", "10.2.2-3", NULL},
		{"7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", "1:7.2+dfsg-7+deb12u18+b3",
		 "version 7.2.22"},
		{"7.20.1 (x)", "1:7.2+dfsg-7", "the package has version 1:7.2+dfsg-7"},
		{"10.2.1 (qemu-10.2.2-1.fc44)", "2:10.2.2-1.fc44", "it has version 10.2.1"},
		{"10.2.2 (qemu-10.2.2-1.fc43)", "2:10.2.2-1.fc44", "(qemu-10.2.2-1.fc43)"},
		{"of nothing", "10.2.2-1", "no version after"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *text = xasprintf("xx\nqemu-arm version %s", rows[i].text);
		struct emulator_version version;
		struct error err = ERROR_INIT;
		int r = emulator_read_version((const uint8_t *)text, strlen(text), "arm", &version,
					      &err);

		if (r == 0)
			r = emulator_check_version(&version, rows[i].package, &err);
		if (rows[i].wanted == NULL)
			assert_ok(r, err);
		else
			assert_refused(r, err, ERR_VERIFY, rows[i].wanted);
	}
}

static void
note(void *context, const char *text)
{
	struct strbuf *notes = context;

	strbuf_addf(notes, "%s\n", text);
}

static int
inspect(const char *text, const struct tar_entry *entries, size_t count, const char *host,
	struct package *package, struct strbuf *notes, struct error *err)
{
	const struct package_warnings warnings = {note, notes};
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
	AUTO(drop) char *path = NULL;

	build_deb(&deb, text, entries, count);
	path = as_file("q.deb", &deb);
	return package_inspect(path, arch_find(host), package, &warnings, err);
}

static void
members_are_found_and_described(void **state)
{
	uint8_t elf[BUILT_ELF_SIZE], second[BUILT_ELF_SIZE];
	struct elf_kind other = arm64;
	const struct tar_entry entries[] = {
		{"./usr/bin/qemu-x86_64", '0', 0755, second, sizeof(second), NULL},
		{"./usr/bin/qemu-arm", '0', 04755, elf, sizeof(elf), NULL},
		{"./usr/bin/qemu-armhf", '2', 0777, NULL, 0, "qemu-arm"},
		{"./usr/bin/qemu-arm-static", '2', 0777, NULL, 0, "qemu-arm"},
		{"./usr/bin/qemu-vax", '0', 0755, "x", 1, NULL},
		{"./usr/share/lintian/overrides/qemu-user", '0', 0644, "x", 1, NULL},
		{"./usr/share/doc/qemu-arm", '0', 0644, "x", 1, NULL},
		{"./usr/libexec/qemu-binfmt/arm-binfmt-P", '2', 0777, NULL, 0,
		 "../../bin/qemu-arm"},
	};
	AUTO(package_clear) struct package package = {0};
	AUTO(strbuf_clear) struct strbuf notes = STRBUF_INIT;
	struct error err = ERROR_INIT;
	struct digest digest;

	(void)state;
	other.text = "qemu-x86_64 version 10.0.2 (Debian 1:10.0.2+ds-1+b1)";
	build_elf(elf, &arm64);
	build_elf(second, &other);
	assert_ok(inspect(control, entries, ARRAY_SIZE(entries), "aarch64", &package, &notes, &err),
		  err);
	assert_string_equal(package.name, "qemu-user");
	assert_string_equal(package.qemu_version, "10.0.2");
	assert_int_equal(package.member_count, 2);
	assert_string_equal(package.members[0].target, "arm");
	assert_string_equal(package.members[0].path, "usr/bin/qemu-arm");
	assert_int_equal(package.members[0].size, sizeof(elf));
	digest_of(elf, sizeof(elf), &digest);
	assert_true(digest_equal(&package.members[0].sha256, &digest));
	assert_string_equal(package.members[1].target, "x86_64");
	assert_string_equal(
		strbuf_text(&notes),
		"'usr/bin/qemu-arm' in 'q.deb' has mode 4755; dropping its special bits\n"
		"skipping 'usr/bin/qemu-vax' in 'q.deb': unknown target\n");

	/* Once more, as with a lock: the same members are wanted, then others. */
	assert_ok(inspect(control, entries, ARRAY_SIZE(entries), "aarch64", &package, &notes, &err),
		  err);
	assert_refused(inspect(control, entries, 1, "aarch64", &package, &notes, &err), err,
		       ERR_VERIFY, "'usr/bin/qemu-arm' is missing");
	package.members[1].sha256.bytes[0] ^= 1;
	assert_refused(
		inspect(control, entries, ARRAY_SIZE(entries), "aarch64", &package, &notes, &err),
		err, ERR_VERIFY, "sha256 of 'usr/bin/qemu-x86_64' is ");
	free(package.members[1].target);
	free(package.members[1].path);
	package.member_count = 1;
	assert_refused(
		inspect(control, entries, ARRAY_SIZE(entries), "aarch64", &package, &notes, &err),
		err, ERR_VERIFY, "'usr/bin/qemu-x86_64' is not in the lock");
	assert_int_equal(package.member_count, 1);
}

static void
bad_members_are_refused_by_name(void **state)
{
	uint8_t good[BUILT_ELF_SIZE], dynamic[BUILT_ELF_SIZE], amd64[BUILT_ELF_SIZE],
		older[BUILT_ELF_SIZE], silent[BUILT_ELF_SIZE];
	struct elf_kind kind = arm64;
	const struct {
		struct tar_entry entries[2];
		enum error_code code;
		const char *wanted;
	} rows[] = {
		{{{"./usr/bin/qemu-arm", '0', 0755, good, sizeof(good), NULL},
		  {"./usr/bin/qemu-arm", '0', 0755, good, sizeof(good), NULL}},
		 ERR_INPUT,
		 "duplicate emulator for 'arm': 'usr/bin/qemu-arm'"},
		{{{"./usr/bin/qemu-arm", '0', 0755, good, sizeof(good), NULL},
		  {"./usr/bin/qemu-arm-static", '0', 0755, good, sizeof(good), NULL}},
		 ERR_INPUT,
		 "duplicate emulator for 'arm': 'usr/bin/qemu-arm-static'"},
		{{{"./usr/bin/qemu-arm-static", '2', 0777, NULL, 0, "qemu-arm"}},
		 ERR_INPUT,
		 "'usr/bin/qemu-arm-static' in 'q.deb' is a link to 'qemu-arm'"},
		{{{"./usr/bin/qemu-arm", '2', 0777, NULL, 0, "/etc/passwd"}},
		 ERR_INPUT,
		 "'usr/bin/qemu-arm' in 'q.deb' is a link to '/etc/passwd'"},
		{{{"./usr/bin/qemu-arm", '1', 0755, NULL, 0, "./usr/bin/x"}},
		 ERR_INPUT,
		 "'usr/bin/qemu-arm' in 'q.deb' is a hard link"},
		{{{"./usr/bin/qemu-arm", '3', 0755, NULL, 0, NULL}},
		 ERR_INPUT,
		 "'usr/bin/qemu-arm' in 'q.deb' is not a regular file"},
		{{{"./usr/bin/qemu-arm", '5', 0755, NULL, 0, NULL}},
		 ERR_INPUT,
		 "'usr/bin/qemu-arm' in 'q.deb' is not a regular file"},
		{{{"./opt/qemu-arm-static", '0', 0755, good, sizeof(good), NULL}},
		 ERR_INPUT,
		 "outside usr/bin/: 'opt/qemu-arm-static'"},
		{{{"../usr/bin/qemu-arm", '0', 0755, good, sizeof(good), NULL}},
		 ERR_INPUT,
		 "invalid name '../usr/bin/qemu-arm'"},
		{{{"./usr/bin/qemu-arm", '0', 0755, dynamic, sizeof(dynamic), NULL}},
		 ERR_VERIFY,
		 "'usr/bin/qemu-arm' in 'q.deb'' is not static"},
		{{{"./usr/bin/qemu-arm", '0', 0755, amd64, sizeof(amd64), NULL}},
		 ERR_VERIFY,
		 "is a program for ELF machine 62"},
		{{{"./usr/bin/qemu-arm", '0', 0755, older, sizeof(older), NULL}},
		 ERR_VERIFY,
		 "'usr/bin/qemu-arm' in 'q.deb': it has version 10.0.1"},
		{{{"./usr/bin/qemu-arm", '0', 0755, silent, sizeof(silent), NULL}},
		 ERR_VERIFY,
		 "'usr/bin/qemu-arm' in 'q.deb': missing version text"},
		{{{"./usr/bin/qemu-alpha", '0', 0755, good, sizeof(good), NULL}},
		 ERR_VERIFY,
		 "'usr/bin/qemu-alpha' in 'q.deb': missing version text"},
		{{{"./usr/bin/qemu-arm", '0', 0755, "", 0, NULL}},
		 ERR_VERIFY,
		 "is not an ELF file"},
		{{{"./usr/bin/qemu-arm", '0', 0755, "#!/bin/sh\n", 10, NULL}},
		 ERR_VERIFY,
		 "is not an ELF file"},
		{{{"./usr/bin/other", '0', 0755, good, sizeof(good), NULL}},
		 ERR_VERIFY,
		 "contains no emulator"},
	};

	(void)state;
	build_elf(good, &kind);
	kind.dynamic = true;
	build_elf(dynamic, &kind);
	kind = arm64;
	kind.machine = 62;
	build_elf(amd64, &kind);
	kind = arm64;
	kind.text = "qemu-arm version 10.0.1 (Debian 1:10.0.2+ds-1+b1)";
	build_elf(older, &kind);
	kind.text = "nothing";
	build_elf(silent, &kind);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(package_clear) struct package package = {0};
		AUTO(strbuf_clear) struct strbuf notes = STRBUF_INIT;
		size_t count = rows[i].entries[1].name != NULL ? 2 : 1;
		struct error err = ERROR_INIT;

		assert_refused(
			inspect(control, rows[i].entries, count, "aarch64", &package, &notes, &err),
			err, rows[i].code, rows[i].wanted);
		assert_non_null(strstr(err.message, "q.deb"));
		assert_null(package.name);
		assert_int_equal(package.member_count, 0);
	}
}

static void
the_wrong_package_is_refused(void **state)
{
	static const struct {
		const char *control, *host, *wanted;
	} rows[] = {
		{control, "x86_64", "'q.deb' is a package for arm64, expected x86_64"},
		{"Package: qemu-user\nVersion: 1:7.2+dfsg-7\nArchitecture: arm64\n"
		 "Depends: libc6 (>= 2.34), zlib1g\n",
		 "aarch64",
		 "'qemu-user' 1:7.2+dfsg-7 depends on libc6, so its programs are not static"},
		{"Package: qemu-user-static\nVersion: 1:10.0\nArchitecture: arm64\n"
		 "Depends: qemu-user (>= 1:10.0), qemu-user-binfmt\n",
		 "aarch64", "since Debian 13 the static programs are in 'qemu-user'"},
		{"Package: qemu-user\nVersion: 1:10.0\nArchitecture: all\n", "aarch64",
		 "is a package for all"},
	};
	static const struct package expected[] = {
		{.name = (char *)(uintptr_t)"qemu-user-static"},
		{.version = (char *)(uintptr_t)"1:10.0.2+ds-1"},
		{.arch = (char *)(uintptr_t)"armhf"},
	};
	AUTO(strbuf_clear) struct strbuf notes = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(package_clear) struct package package = {0};

		assert_refused(
			inspect(rows[i].control, NULL, 0, rows[i].host, &package, &notes, &err),
			err, ERR_VERIFY, rows[i].wanted);
	}
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct package package = expected[i];

		assert_refused(inspect(control, NULL, 0, "aarch64", &package, &notes, &err), err,
			       ERR_VERIFY,
			       "'q.deb' is qemu-user 1:10.0.2+ds-1+b1 for arm64, expected ");
	}
}

static void
malformed_control_is_refused(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"Package: q\nVersion: 1\n", "missing field 'Architecture'"},
		{"Package: q\nArchitecture: arm64\n", "missing field 'Version'"},
		{"Version: 1\nArchitecture: arm64\n", "missing field 'Package'"},
		{"Package: q\nVersion: ../x\nArchitecture: arm64\n", "version '../x'"},
		{"Package: q\nVersion: 1\n 2\nArchitecture: arm64\n", "several lines"},
		{"Package: q\nversion: 1\nVersion: 1\n", "duplicate field 'Version'"},
		{"Package: q\nnonsense\n", "'nonsense' is not a 'Field: value' line"},
		{" Package: q\n", "not a 'Field: value' line"},
		{"Package: q\n\nPackage: q\n", "more than one paragraph"},
		{"\n\n", "the text is empty"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(package_clear) struct package package = {0};
		AUTO(strbuf_clear) struct strbuf notes = STRBUF_INIT;
		struct error err = ERROR_INIT;

		assert_refused(inspect(rows[i].text, NULL, 0, "aarch64", &package, &notes, &err),
			       err, ERR_INPUT, rows[i].wanted);
		assert_non_null(strstr(err.message, "q.deb"));
	}
}

/* The head of a stream, and that of a block whose dictionary is of 1 GiB. */
static void
a_dictionary_of_xz_has_a_limit(void **state)
{
	static const uint8_t xz[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04,
				     0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
				     0x24, 0x00, 0x00, 0x00, 0x5e, 0x1f, 0xc7, 0xf9};
	static const char tar_end[1024];
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
	AUTO(strbuf_clear) struct strbuf names = STRBUF_INIT;
	AUTO(drop) char *path = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	build_ar_start(&deb);
	build_ar_part(&deb, "debian-binary", "2.0\n", 4);
	build_ar_part(&deb, "control.tar", tar_end, sizeof(tar_end));
	build_ar_part(&deb, "data.tar.xz", (const char *)xz, sizeof(xz));
	path = as_file("bad.deb", &deb);
	assert_refused(read_all(path, &names, &err), err, ERR_INPUT, "a dictionary of more than");
	assert_null(strstr(err.message, "damaged"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_one_by_one),
		cmocka_unit_test(control_becomes_a_package),
		cmocka_unit_test(malformed_packages_say_why),
		cmocka_unit_test(a_dictionary_of_xz_has_a_limit),
		cmocka_unit_test(parts_with_an_underscore_are_passed_over),
		cmocka_unit_test(a_package_cut_anywhere_is_refused),
		cmocka_unit_test(what_is_no_package_is_refused),
		cmocka_unit_test(versions_inside_are_compared),
		cmocka_unit_test(members_are_found_and_described),
		cmocka_unit_test(bad_members_are_refused_by_name),
		cmocka_unit_test(the_wrong_package_is_refused),
		cmocka_unit_test(malformed_control_is_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
