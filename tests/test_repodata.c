/* sources/xml.c, sources/repodata.c and the shipped keys. */

#include "tests/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "sources/package_keys.h"
#include "sources/repodata.h"
#include "sources/xml.h"

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
	metalink_release(&got);
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
			metalink_release(&link);
		return r;
	case REPOMD:
		r = repomd_parse("doc.xml", text, strlen(text), &repomd, err);
		if (r == 0)
			repomd_release(&repomd);
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
		{"a page of HTML", REPOMD, "<html><body>404</body></html>", "is no repomd.xml"},
		{"entities", REPOMD, "<!DOCTYPE repomd [<!ENTITY a \"b\">]><repomd>&a;</repomd>",
		 "document type 'repomd' is not accepted"},
		{"an outside document type", REPOMD,
		 "<!DOCTYPE repomd SYSTEM \"file:///etc/passwd\"><repomd/>", "is not accepted"},
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
		 "location '../p.xml.gz' is not accepted"},
		{"elsewhere", REPOMD, DATA("primary", SUM "<location href=\"http://x/p.xml\"/>"),
		 "location 'http://x/p.xml' is not accepted"},
		{"size", REPOMD, DATA("primary", SUM LOCATION "<size>-1</size>"),
		 "size '-1' is no number"},
		{"no metalink", METALINK, "<repomd/>", "is no metalink"},
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
		{"no list", PRIMARY, "<repomd/>", "is no list of packages"},
		{"list cut short", PRIMARY, "<metadata><package>", "no element found"},
		{"package without a digest", PRIMARY, PACKAGE("qemu-user-static-arm", PLACE),
		 "'qemu-user-static-arm' lacks"},
		{"package without a place", PRIMARY,
		 PACKAGE("qemu-user-static-arm", SUM "<size package=\"1\"/>"), "lacks"},
		{"package in a place of its own", PRIMARY,
		 PACKAGE("qemu-user-static",
			 SUM "<size package=\"1\"/><location href=\"/q.rpm\"/>"),
		 "lacks"},
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
	assert_string_equal(digest_hex(&package->sha256, hex), SHA_A);
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
		cmocka_unit_test(test_metalink),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_primary),
		cmocka_unit_test(test_shipped_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
