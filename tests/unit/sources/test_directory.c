/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "sources/checksums.h"
#include "sources/directory.h"
#include "tests/support/package_builder.h"

#include <stdlib.h>
#include <unistd.h>

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DEC "0000000000000000000000000000000000000000000000000000000000000001"

static char *directory;

static int
make_directory(void **state)
{
	char template[] = "/tmp/test_directory.XXXXXX";

	(void)state;
	directory = mkdtemp(template) != NULL ? xstrdup(template) : NULL;
	return directory != NULL ? 0 : -1;
}

static void
put_file(const char *name, const void *bytes, size_t length)
{
	auto_free char *path = path_join(directory, name);
	struct error err = ERROR_INIT;

	assert_ok(write_file(path, bytes, length, 0644, &err), err);
}

static void
drop_file(const char *name)
{
	auto_free char *path = path_join(directory, name);

	assert_int_equal(unlink(path), 0);
}

static int
remove_directory(void **state)
{
	int r = rmdir(directory);

	(void)state;
	free(directory);
	return r;
}

/* A package whose file name says nothing; its line is added to `sums`. */
static void
put_deb(const char *file, const char *name, const char *version, const char *arch,
	struct strbuf *sums)
{
	auto_free char *control =
		xasprintf("Package: %s\nVersion: %s\nArchitecture: %s\n", name, version, arch);
	AUTO(strbuf_clear) struct strbuf deb = STRBUF_INIT;
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	build_deb(&deb, control, NULL, 0);
	put_file(file, deb.text, deb.length);
	digest_of(deb.text, deb.length, &digest);
	strbuf_addf(sums, "%s *./%s\n", digest_hex(&digest, hex), file);
}

static int
resolve(const char *host, struct package_list *list, struct error *err)
{
	return directory_resolve(directory, "own", arch_find(host), list, err);
}

static void
packages_are_found_by_what_they_say(void **state)
{
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;
	AUTO(strbuf_clear) struct strbuf sums = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	put_deb("b.deb", "qemu-user", "1:10.0.2+ds-1", "arm64", &sums);
	put_deb("a.deb", "extra", "2-1", "arm64", &sums);
	put_deb("x+y_amd64.deb", "qemu-user", "1:10.0.2+ds-1", "s390x", &sums);
	put_deb("doc.deb", "doc", "1", "all", &sums);
	put_file("notes.txt", "x", 1);
	put_file("SHA256SUMS", sums.text, sums.length);
	assert_ok(resolve("aarch64", &list, &err), err);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].file, "a.deb");
	assert_string_equal(list.items[1].file, "b.deb");
	assert_string_equal(list.items[1].name, "qemu-user");
	assert_string_equal(list.items[1].version, "1:10.0.2+ds-1");
	assert_string_equal(list.items[1].arch, "arm64");
	assert_string_equal(list.items[1].host, "aarch64");
	assert_string_equal(list.items[1].source, "own");
	assert_int_equal(list.items[1].type, SOURCE_DIRECTORY);
	assert_int_equal(list.items[1].url_count, 0);
	assert_false(digest_is_zero(&list.items[1].sha256));
	assert_true(list.items[1].size > 1000);
	assert_ok(resolve("s390x", &list, &err), err);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[2].file, "x+y_amd64.deb");
	assert_refused(resolve("riscv64", &list, &err), err, ERR_NOT_FOUND,
		       "has no package for riscv64");
	assert_int_equal(list.count, 3);

	/* The host's file is wrong, then not listed; another host's is no matter. */
	put_deb("b.deb", "qemu-user", "1:10.0.3+ds-1", "arm64", &sums);
	assert_refused(resolve("aarch64", &list, &err), err, ERR_VERIFY, "sha256 of 'b.deb' is ");
	assert_ok(resolve("s390x", &list, &err), err);
	put_file("SHA256SUMS", HEX "  z\n", 68);
	assert_refused(resolve("s390x", &list, &err), err, ERR_VERIFY,
		       "'x+y_amd64.deb' is not listed");
	drop_file("SHA256SUMS");
	assert_refused(resolve("s390x", &list, &err), err, ERR_NOT_FOUND, "SHA256SUMS'");
	drop_file("a.deb");
	drop_file("b.deb");
	drop_file("x+y_amd64.deb");
	drop_file("doc.deb");
	drop_file("notes.txt");
}

static void
doubtful_directories_are_refused(void **state)
{
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;
	AUTO(strbuf_clear) struct strbuf sums = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(directory_resolve("/nonexistent/d", "own", arch_find("s390x"), &list, &err),
		       err, ERR_NOT_FOUND, "/nonexistent/d");
	put_deb("a.deb", "qemu-user", "1", "s390x", &sums);
	put_deb("b.deb", "qemu-user", "2", "s390x", &sums);
	put_file("SHA256SUMS", sums.text, sums.length);
	assert_refused(resolve("s390x", &list, &err), err, ERR_INPUT,
		       "'a.deb' and 'b.deb' are both package 'qemu-user' for s390x");
	put_file("b.deb", "nothing like a package", 22);
	assert_refused(resolve("s390x", &list, &err), err, ERR_INPUT, "b.deb");
	put_file("SHA256SUMS", "what\n", 5);
	assert_refused(resolve("s390x", &list, &err), err, ERR_INPUT, "SHA256SUMS:1: ");
	assert_int_equal(list.count, 0);
	drop_file("a.deb");
	drop_file("b.deb");
	drop_file("SHA256SUMS");
}

static void
lists_of_checksums(void **state)
{
	static const char text[] = HEX "  a\n\n" DEC " *b c\r\n" HEX "  ./d\n" HEX "  a\n"
				       "# a comment\n#\nSHA256 (e) = " HEX
				       "\nSHA256 (./f) g) = x) = " DEC "\r\nSHA256 (a) = " HEX;
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{" # not a comment\n", "S:1: expected a SHA-256"},
		{HEX "  a\n" HEX " a\n", "S:2: expected a SHA-256"},
		{HEX "\n", "S:1: expected a SHA-256"},
		{HEX "  \n", "S:1: expected a SHA-256"},
		{"\\" HEX "  a\\nb\n", "S:1: expected a SHA-256"},
		{"x3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n",
		 "is not a SHA-256"},
		{HEX "  a\n" DEC "  ./a\n", "S:2: 'a' is listed with two different digests"},
		{HEX "  a\nSHA256 (a) = " DEC "\n",
		 "S:2: 'a' is listed with two different digests"},
		{"SHA256 (a) = 12" HEX "\n", "S:1: expected 'SHA256 (NAME)"},
		{"SHA256 (a) = " HEX "0\n", "S:1: expected 'SHA256 (NAME)"},
		{"SHA256 (a) =" HEX "\n", "S:1: expected 'SHA256 (NAME)"},
		{"SHA256 () = " HEX "\n", "S:1: expected 'SHA256 (NAME)"},
		{"SHA256 (" HEX "\n", "S:1: expected 'SHA256 (NAME)"},
		{"SHA256 (a) = \n", "S:1: expected 'SHA256 (NAME)"},
		{"SHA512 (a) = " HEX HEX "\n", "S:1: expected a SHA-256"},
	};
	AUTO(checksums_clear) struct checksums sums = CHECKSUMS_INIT;
	char hex[DIGEST_HEX_SIZE];
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(checksums_parse(text, strlen(text), "S", &sums, &err), err);
	assert_int_equal(sums.count, 5);
	assert_string_equal(digest_hex(&checksums_find(&sums, "e")->sha256, hex), HEX);
	assert_string_equal(digest_hex(&checksums_find(&sums, "f) g) = x")->sha256, hex), DEC);
	assert_string_equal(digest_hex(&checksums_find(&sums, "b c")->sha256, hex), DEC);
	assert_string_equal(digest_hex(&checksums_find(&sums, "d")->sha256, hex), HEX);
	assert_null(checksums_find(&sums, "b"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct checksums none = CHECKSUMS_INIT;

		assert_refused(
			checksums_parse(rows[i].text, strlen(rows[i].text), "S", &none, &err), err,
			ERR_INPUT, rows[i].wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages_are_found_by_what_they_say),
		cmocka_unit_test(doubtful_directories_are_refused),
		cmocka_unit_test(lists_of_checksums),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
