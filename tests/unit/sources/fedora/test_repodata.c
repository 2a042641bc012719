/* SPDX-License-Identifier: MIT */
/* sources/fedora/xml.c, sources/fedora/repodata.c and the shipped keys. */

#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "sources/fedora/repodata.h"
#include "sources/fedora/xml.h"
#include "sources/rpm/package_keys.h"

#include <sys/mman.h>
#include <unistd.h>

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char metalink[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	"<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\" xmlns:mm0=\"http://x\">\n"
	"<files><file name=\"repomd.xml\"><mm0:timestamp>1</mm0:timestamp><size>4000</size>\n"
	"<verification><hash type=\"md5\">0123</hash><hash type=\"sha256\">" SHA_A "</hash>\n"
	"</verification><mm0:alternates><mm0:alternate><verification>\n"
	"<hash type=\"sha256\"> " SHA_B "\n</hash></verification></mm0:alternate>\n"
	"</mm0:alternates><resources maxconnections=\"1\">\n"
	"<url protocol=\"rsync\">rsync://a.test/f/repodata/repomd.xml</url>\n"
	"<url protocol=\"https\" preference=\"100\">https://a.test/f/repodata/repomd.xml</url>\n"
	"<url protocol=\"https\" preference=\"99\">https://b.test/elsewhere.xml</url>\n"
	"<url protocol=\"http\" preference=\"98\">http://c.test/f/repodata/repomd.xml</url>\n"
	"</resources></file></files></metalink>\n";

static void
test_metalink(void **state)
{
	struct metalink got = {.url_count = 0};
	struct error err = ERROR_INIT;
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	assert_ok(metalink_parse("m", metalink, strlen(metalink), &got, &err), err);
	assert_int_equal(got.digest_count, 2);
	assert_string_equal(digest_hex(&got.digests[0], hex), SHA_A);
	assert_string_equal(digest_hex(&got.digests[1], hex), SHA_B);
	assert_int_equal(got.url_count, 2);
	assert_string_equal(got.urls[0], "https://a.test/f/repodata/repomd.xml");
	assert_string_equal(got.urls[1], "http://c.test/f/repodata/repomd.xml");
	metalink_clear(&got);
}

#define DATA(type, rest) "<repomd><data type=\"" type "\">" rest "</data></repomd>"
#define SUM              "<checksum type=\"sha256\">" SHA_A "</checksum>"
#define LOCATION         "<location href=\"repodata/x-primary.xml.gz\"/>"
#define PACKAGE(name, rest)                                                                        \
	"<metadata><package type=\"rpm\"><name>" name "</name><arch>x86_64</arch>"                 \
	"<version epoch=\"2\" ver=\"10.2.2\" rel=\"1.fc44\"/>" rest "</package></metadata>"
#define PLACE "<size package=\"77\"/><location href=\"Packages/q/q.rpm\"/>"

enum document { METALINK, REPOMD, PRIMARY };

static int
count_package(void *context, const struct repo_package *package, struct error *err)
{
	(void)package;
	(void)err;
	++*(int *)context;
	return 0;
}

static int
scan(const char *text, int (*found)(void *context, const struct repo_package *p, struct error *e),
     void *context, struct error *err)
{
	auto_close int fd = memfd_create("primary", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return primary_scan(fd, COMPRESSION_NONE, "doc.xml", "qemu-user-static", found, context,
			    err);
}

static int
parse(enum document document, const char *text, struct error *err)
{
	struct metalink link;
	struct repomd repomd;
	int count = 0;
	int r;

	switch (document) {
	case METALINK:
		r = metalink_parse("doc.xml", text, strlen(text), &link, err);
		if (r == 0)
			metalink_clear(&link);
		return r;
	case REPOMD:
		r = repomd_parse("doc.xml", text, strlen(text), &repomd, err);
		if (r == 0)
			repomd_clear(&repomd);
		return r;
	case PRIMARY:
		break;
	}
	return scan(text, count_package, &count, err);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *label;
		enum document document;
		const char *text;
		const char *message;
	} rows[] = {
		{"empty", REPOMD, "", "no element found"},
		{"cut short", REPOMD, "<repomd><data type=\"primary\">", "no element found"},
		{"not well-formed", REPOMD, "<repomd></data>", "mismatched tag"},
		{"a page of HTML", REPOMD, "<html><body>404</body></html>", "is not a repomd.xml"},
		{"entities", REPOMD, "<!DOCTYPE repomd [<!ENTITY a \"b\">]><repomd>&a;</repomd>",
		 "document type 'repomd' is not allowed"},
		{"an outside document type", REPOMD,
		 "<!DOCTYPE repomd SYSTEM \"file:///etc/passwd\"><repomd/>", "is not allowed"},
		{"an entity out of nowhere", REPOMD, "<repomd>&a;</repomd>", "undefined entity"},
		{"too deep", REPOMD,
		 "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		 "<a><a><a><a><a><a>",
		 "nested too deeply"},
		{"no primary", REPOMD, DATA("filelists", SUM LOCATION), "no primary list"},
		{"no digest", REPOMD, DATA("primary", LOCATION), "no primary list with a SHA-256"},
		{"weak digest", REPOMD,
		 DATA("primary", "<checksum type=\"sha1\">" SHA_A "</checksum>" LOCATION),
		 "no primary list with a SHA-256"},
		{"broken digest", REPOMD,
		 DATA("primary", "<checksum type=\"sha256\">12</checksum>" LOCATION),
		 "no primary list with a SHA-256"},
		{"climbing", REPOMD, DATA("primary", SUM "<location href=\"../p.xml.gz\"/>"),
		 "invalid location '../p.xml.gz'"},
		{"elsewhere", REPOMD, DATA("primary", SUM "<location href=\"http://x/p.xml\"/>"),
		 "invalid location 'http://x/p.xml'"},
		{"size", REPOMD, DATA("primary", SUM LOCATION "<size>-1</size>"),
		 "size '-1' is not a number"},
		{"no metalink", METALINK, "<repomd/>", "is not a metalink"},
		{"metalink without a digest", METALINK,
		 "<metalink><file name=\"repomd.xml\"><url>https://a/repodata/repomd.xml</url>"
		 "</file></metalink>",
		 "no SHA-256"},
		{"metalink for something else", METALINK,
		 "<metalink><file name=\"other.xml\"><hash type=\"sha256\">" SHA_A "</hash>"
		 "<url>https://a/repodata/repomd.xml</url></file></metalink>",
		 "no SHA-256"},
		{"metalink without a URL", METALINK,
		 "<metalink><file name=\"repomd.xml\"><hash type=\"sha256\">" SHA_A "</hash>"
		 "<url>ftp://a/repodata/repomd.xml</url></file></metalink>",
		 "no URL"},
		{"no list", PRIMARY, "<repomd/>", "is not a list of packages"},
		{"list cut short", PRIMARY, "<metadata><package>", "no element found"},
		{"package without a version", PRIMARY,
		 "<metadata><package><name>qemu-user-static-arm</name><arch>x86_64</arch></package>"
		 "</metadata>",
		 "'qemu-user-static-arm' has no version"},
		{"package without an architecture", PRIMARY,
		 "<metadata><package><name>qemu-user-static-arm</name></package></metadata>",
		 "'qemu-user-static-arm' has no architecture"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		int r = parse(rows[i].document, rows[i].text, &err);

		if (r == 0 || err.code != ERR_INPUT || strstr(err.message, "'doc.xml'") == NULL ||
		    strstr(err.message, rows[i].message) == NULL)
			fail_msg("%s: returned %d, '%s'", rows[i].label, r, err.message);
	}
}

/* What a package lacks is for whoever wants that package: it has a fault, and the list goes on. */
static int
keep_fault(void *context, const struct repo_package *package, struct error *err)
{
	(void)err;
	free(*(char **)context);
	*(char **)context =
		xasprintf("%s %s", package->file, package->fault != NULL ? package->fault : "-");
	return 0;
}

static void
test_faults(void **state)
{
#define SIZE       "<size package=\"77\"/>"
#define HREF(href) SUM SIZE "<location href=\"" href "\"/>"
	static const struct {
		const char *rest, *wanted;
	} rows[] = {
		{PLACE, "q.rpm has neither SHA-256 nor SHA-512"},
		{"<checksum type=\"sha1\">" SHA_A "</checksum>" PLACE, "q.rpm has neither SHA-256"},
		{"<checksum type=\"sha512\">" SHA_A "</checksum>" PLACE,
		 "q.rpm has neither SHA-256"},
		{"<checksum type=\"sha512\">" SHA_A SHA_B "0</checksum>" PLACE,
		 "q.rpm has neither"},
		{"<checksum type=\"sha512\">" SHA_A SHA_B "</checksum>" PLACE, "q.rpm -"},
		{SUM SIZE, " has no location"},
		{SUM "<location href=\"q.rpm\"/>", "q.rpm has no size"},
		{HREF("/q.rpm"), "q.rpm has a location outside the repository"},
		{HREF("a/../q.rpm"), "q.rpm has a location outside the repository"},
		{HREF("a/%2e%2E/q.rpm"), "q.rpm has a location outside the repository"},
		{HREF("%2fq.rpm"), "q.rpm has a location outside the repository"},
		{HREF("a/q.rpm%00"), "q.rpm has a location outside the repository"},
		{HREF("a/%255e.rpm"), "%5e.rpm has a location outside the repository"},
		{HREF("a/q.rpm?x"), "q.rpm?x has a location outside the repository"},
		{HREF("http:q.rpm"), "http:q.rpm has a location outside the repository"},
		{HREF("a/q,1.rpm"), "q,1.rpm has a file name with characters other than"},
		{HREF("a/.rpm"), ".rpm has a file name with characters other than"},
		{HREF("a/q-1~rc1^git+x.rpm"), "q-1~rc1^git+x.rpm -"},
		{HREF("a%2fq-1%5Egit.rpm"), "q-1^git.rpm -"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *text = xasprintf(PACKAGE("qemu-user-static", "%s"), rows[i].rest);
		auto_free char *seen = NULL;
		struct error err = ERROR_INIT;

		assert_ok(scan(text, keep_fault, &seen, &err), err);
		if (seen == NULL || strncmp(seen, rows[i].wanted, strlen(rows[i].wanted)) != 0)
			fail_msg("%s: '%s'", rows[i].rest, seen);
	}
}

static void
test_repomd(void **state)
{
	static const char text[] =
		DATA("primary", "<checksum type=\"sha512\">" SHA_A SHA_B "</checksum>"
				"<location xml:base=\"http://elsewhere.test/x\" "
				"href=\"repodata/p.xml\"/><size>9</size>");
	struct repomd repomd;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(repomd_parse("r", text, strlen(text), &repomd, &err), err);
	assert_string_equal(repomd.base, "http://elsewhere.test/x");
	assert_string_equal(repomd.location, "repodata/p.xml");
	assert_int_equal(repomd.size, 9);
	assert_int_equal(repomd.checksum.kind, REPO_CHECKSUM_SHA512);
	assert_int_equal(repomd.checksum.sha512[0], 0xaa);
	assert_int_equal(repomd.checksum.sha512[63], 0xbb);
	repomd_clear(&repomd);
}

static void
test_checksum(void **state)
{
	/* SHA-256 and SHA-512 of "abc", from FIPS 180-2. */
	static const char sha256[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const char sha512[] =
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
	auto_close int fd = memfd_create("abc", MFD_CLOEXEC);
	struct repo_checksum checksum;
	struct error err = ERROR_INIT;
	struct digest digest;

	(void)state;
	assert_int_equal(write(fd, "abc", 3), 3);
	digest_of("abc", 3, &digest);
	assert_true(repo_checksum_parse(REPO_CHECKSUM_SHA256, sha256, &checksum));
	assert_ok(repo_checksum_check(&checksum, fd, "x", &digest, &err), err);
	checksum.sha256.bytes[31] ^= 1;
	assert_refused(repo_checksum_check(&checksum, fd, "x", &digest, &err), err, ERR_VERIFY,
		       "sha256 of 'x' is ba7816bf");
	assert_true(repo_checksum_parse(REPO_CHECKSUM_SHA512, sha512, &checksum));
	assert_ok(repo_checksum_check(&checksum, fd, "x", &digest, &err), err);
	checksum.sha512[63] ^= 1;
	assert_refused(repo_checksum_check(&checksum, fd, "x", &digest, &err), err, ERR_VERIFY,
		       "sha512 of 'x' is ddaf35a1");
	assert_false(repo_checksum_parse(REPO_CHECKSUM_SHA512, sha256, &checksum));
	assert_int_equal(checksum.kind, REPO_CHECKSUM_NONE);
}

static int
see_package(void *context, const struct repo_package *package, struct error *err)
{
	char hex[DIGEST_HEX_SIZE];

	(void)err;
	++*(int *)context;
	assert_string_equal(package->name, "qemu-user-static-arm");
	assert_string_equal(package->arch, "x86_64");
	assert_string_equal(package->evr, "2:10.2.2-1.fc44");
	assert_string_equal(package->location, "Packages/q/q.rpm");
	assert_string_equal(package->source_rpm, "qemu-10.2.2-1.fc44.src.rpm");
	assert_int_equal(package->checksum.kind, REPO_CHECKSUM_SHA256);
	assert_string_equal(digest_hex(&package->checksum.sha256, hex), SHA_A);
	assert_null(package->fault);
	assert_null(package->base);
	assert_string_equal(package->file, "q.rpm");
	assert_int_equal(package->size, 77);
	assert_true(package->has_emulators);
	return 0;
}

static void
test_primary(void **state)
{
	static const char text[] =
		"<metadata xmlns=\"x\" xmlns:rpm=\"y\" packages=\"3\">"
		"<package type=\"rpm\"><name>qemu-user-statics</name></package>"
		"<package type=\"rpm\"><name>qemu-user-static-arm</name><arch>x86_64</arch>"
		"<version epoch=\"2\" ver=\"10.2.2\" rel=\"1.fc44\"/>" SUM PLACE
		"<description>&lt;b&gt; a &amp; b</description>"
		"<format><rpm:sourcerpm>qemu-10.2.2-1.fc44.src.rpm</rpm:sourcerpm>"
		"<file>/usr/bin/qemu-arm-static</file></format></package>"
		"<package type=\"rpm\"><name>qemu</name><arch>x86_64</arch></package></metadata>";
	struct error err = ERROR_INIT;
	int count = 0;

	(void)state;
	assert_ok(scan(text, see_package, &count, &err), err);
	assert_int_equal(count, 1);
}

/* The fingerprints in sources/keys/README.md are those of the files, and no others. */
static void
test_shipped_keys(void **state)
{
	auto_free char *readme = NULL;
	struct error err = ERROR_INIT;
	struct openpgp_keyring *ring = NULL;
	const char *row;
	size_t rows = 0;

	(void)state;
	assert_ok(read_file("../sources/keys/README.md", 1 << 16, &readme, NULL, &err), err);
	for (row = strstr(readme, "| `fedora-"); row != NULL; row = strstr(row, "\n| `fedora-")) {
		auto_free char *name = NULL, *fingerprint = NULL;
		const char *pins[1];
		size_t found = 0;

		row += row[0] == '\n';
		name = xstrndup(row + 3, strlen("fedora-44.asc"));
		fingerprint = xstrndup(row + 3 + strlen("fedora-44.asc` | "), 49);
		pins[0] = fingerprint;
		assert_ok(package_keyring_new(pins, 1, NULL, 0, &ring, &err), err);
		openpgp_keyring_free(TAKE(ring));
		for (size_t i = 0; i < package_key_count; i++) {
			if (strcmp(package_keys[i].name, name) != 0)
				continue;
			found++;
			assert_ok(openpgp_keyring_new(&ring, &err), err);
			assert_ok(openpgp_keyring_add(ring, package_keys[i].bytes,
						      package_keys[i].size, name, &err),
				  err);
			assert_ok(openpgp_keyring_pin(ring, fingerprint, &err), err);
			openpgp_keyring_free(TAKE(ring));
		}
		assert_int_equal(found, 1);
		rows++;
	}
	assert_int_equal(rows, package_key_count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metalink),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_primary),      cmocka_unit_test(test_faults),
		cmocka_unit_test(test_repomd),       cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_shipped_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
