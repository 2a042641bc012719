/* SPDX-License-Identifier: MIT */
/*
 * Real RPM packages against sources/rpm*.c: where their parts are, who signed them, what is in
 * them.
 */

#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "sources/package_open.h"
#include "sources/rpm/rpm_verify.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define EL8 "crypto-policies-20210617-1.gitc776d3e.el8.noarch.rpm"
#define EL7 "centos-release-7-2.1511.el7.centos.2.10.x86_64.rpm"
#define V6  "rpm-basic-with-ed25519-2.3.4-5.el9.v6.noarch.rpm"

#define EL9 "readline-8.1-4.el9.i686.rpm"

#define REDHAT_KEY "567E347AD0044ADE55BA8A5F199E2F91FD431D51"
#define CENTOS_KEY "6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5"

static const char *
data_directory(void)
{
	const char *directory = getenv("DISTRIBUTOR_TEST_DATA");

	if (directory == NULL)
		skip_because("real RPM packages: DISTRIBUTOR_TEST_DATA does not name them");
	return directory;
}

static char *
data_path(const char *name)
{
	return xasprintf("%s/rpms/%s", data_directory(), name);
}

static struct openpgp_keyring *
ring_of(const char *file, const char *fingerprint)
{
	struct error err = ERROR_INIT;
	struct openpgp_keyring *ring = NULL;
	auto_free char *path = xasprintf("%s/rpms/keys/%s", data_directory(), file);

	assert_ok(openpgp_keyring_new(&ring, &err), err);
	assert_ok(openpgp_keyring_add_file(ring, path, &err), err);
	assert_ok(openpgp_keyring_pin(ring, fingerprint, &err), err);
	return ring;
}

static void
test_layout(void **state)
{
	static const struct {
		const char *file;
		uint64_t signature_end, header, payload;
		uint32_t signature_entries, header_entries;
		const char *name, *evr, *arch;
	} rows[] = {
		{EL8, 5604, 5608, 42252, 9, 68, "crypto-policies", "20210617-1.gitc776d3e.el8",
		 "noarch"},
		{EL7, 1380, 1384, 8896, 7, 54, "centos-release", "7-2.1511.el7.centos.2.10",
		 "x86_64"},
		{V6, 4450, 4456, 9499, 5, 87, "rpm-basic", "1:2.3.4-5.el9", "noarch"},
		{EL9, 8214, 8216, 13981, 9, 61, "readline", "8.1-4.el9", "i686"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *path = data_path(rows[i].file);
		struct rpm rpm = RPM_INIT;
		struct error err = ERROR_INIT;

		assert_ok(rpm_open(path, NULL, &rpm, &err), err);
		assert_int_equal(96 + rpm.signature_size, rows[i].signature_end);
		assert_int_equal(rpm.header_offset, rows[i].header);
		assert_int_equal(rpm.payload_offset, rows[i].payload);
		assert_int_equal(rpm.signature.entry_count, rows[i].signature_entries);
		assert_int_equal(rpm.header.entry_count, rows[i].header_entries);
		assert_string_equal(rpm.name, rows[i].name);
		assert_string_equal(rpm.evr, rows[i].evr);
		assert_string_equal(rpm.arch, rows[i].arch);
		rpm_clear(&rpm);
	}
}

static int
verify_path(const char *path, const char *key_file, const char *pin,
	    const struct rpm_identity *identity, struct openpgp_signer *signer, struct error *err)
{
	struct openpgp_keyring *ring = ring_of(key_file, pin);
	struct rpm rpm = RPM_INIT;
	int r = rpm_open(path, NULL, &rpm, err);

	if (r == 0)
		r = rpm_verify(&rpm, ring, identity, signer, err);
	rpm_clear(&rpm);
	openpgp_keyring_free(ring);
	return r;
}

static void
test_accepted(void **state)
{
	static const struct {
		const char *file;
		struct rpm_identity identity;
		int64_t signed_sec;
	} rows[] = {
		{EL8, {"crypto-policies", "20210617-1.gitc776d3e.el8", "noarch"}, 1624028556},
		/* "0:" or none: dnf's lists and people write either. */
		{EL8, {"crypto-policies", "0:20210617-1.gitc776d3e.el8", "noarch"}, 1624028556},
		/* File signatures, and the signature itself, behind the signature header's region. */
		{EL9, {"readline", "8.1-4.el9", "i686"}, 1632342875},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *path = data_path(rows[i].file);
		struct openpgp_signer signer = {"", 0};
		struct error err = ERROR_INIT;

		assert_ok(verify_path(path, "RPM-GPG-KEY-redhat8-release", REDHAT_KEY,
				      &rows[i].identity, &signer, &err),
			  err);
		assert_string_equal(signer.fingerprint, REDHAT_KEY);
		assert_int_equal(signer.signed_sec, rows[i].signed_sec);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *file, *key_file, *pin;
		struct rpm_identity identity;
		const char *text;
	} rows[] = {
		{EL8, "RPM-GPG-KEY-CentOS-7", CENTOS_KEY, {0}, "which is not pinned"},
		/* The other primary key of the same file signs nothing. */
		{EL8,
		 "RPM-GPG-KEY-redhat8-release",
		 "43A6E49C4A38F4BE9ABF2A5345689C882FA658E0",
		 {0},
		 "199E2F91FD431D51"},
		{EL8,
		 "RPM-GPG-KEY-redhat8-release",
		 REDHAT_KEY,
		 {"crypto-policies-scripts", "20210617-1.gitc776d3e.el8", "noarch"},
		 "expected 'crypto-policies-scripts'"},
		{EL8,
		 "RPM-GPG-KEY-redhat8-release",
		 REDHAT_KEY,
		 {"crypto-policies", "1:20210617-1.gitc776d3e.el8", "noarch"},
		 "expected 1:20210617-1"},
		{EL8,
		 "RPM-GPG-KEY-redhat8-release",
		 REDHAT_KEY,
		 {"crypto-policies", "20210617-1.gitc776d3e.el8", "x86_64"},
		 "is for noarch, expected x86_64"},
		{EL7, "RPM-GPG-KEY-CentOS-7", CENTOS_KEY, {0}, "does not cover its payload"},
		{V6, "RPM-GPG-KEY-CentOS-7", CENTOS_KEY, {0}, "version 6 is not supported"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *path = data_path(rows[i].file);
		struct openpgp_signer signer = {"untouched", 1};
		struct error err = ERROR_INIT;

		assert_refused(verify_path(path, rows[i].key_file, rows[i].pin,
					   rows[i].identity.name != NULL ? &rows[i].identity : NULL,
					   &signer, &err),
			       err, ERR_VERIFY, rows[i].text);
		assert_non_null(strstr(err.message, rows[i].file));
		assert_string_equal(signer.fingerprint, "untouched");
	}
}

/*
 * One byte of the good package is flipped, or its end cut off: what is said, and that it is
 * refused.
 */
static const struct tamper {
	const char *label;
	uint64_t offset; /* of the flipped byte; 0 for none */
	uint64_t cut;    /* bytes left; 0 for all */
	enum error_code code;
	const char *text;
} tampers[] = {
	{"lead: magic", 1, 0, ERR_INPUT, "is not an RPM package"},
	{"lead: format", 4, 0, ERR_INPUT, "RPM format"},
	{"signature header: magic", 97, 0, ERR_INPUT, "no signature header"},
	{"signature header: number of entries", 107, 0, ERR_INPUT, "signature header"},
	{"signature header: size of data", 111, 0, ERR_INPUT, "signature header"},
	{"signature header: region tag", 115, 0, ERR_INPUT, "does not begin with its region"},
	{"signature header: offset of an entry", 138, 0, ERR_INPUT, "signature header"},
	{"signature header: region trailer", 5600, 0, ERR_INPUT, "region"},
	{"main header: magic", 5608, 0, ERR_INPUT, "no main header"},
	{"main header: region tag", 5627, 0, ERR_INPUT, "does not begin with its region"},
	{"main header: a string", 12000, 0, ERR_VERIFY, "main header of"},
	{"main header: last string", 42200, 0, ERR_VERIFY, "main header of"},
	{"payload: first byte", 42252, 0, ERR_VERIFY, "payload of"},
	{"payload: middle", 50000, 0, ERR_VERIFY, "payload of"},
	{"payload: last byte", 64943, 0, ERR_VERIFY, "payload of"},
	{"cut: inside the lead", 0, 50, ERR_INPUT, "has only 50 bytes"},
	{"cut: after the lead", 0, 96, ERR_INPUT, "ends before its signature header"},
	{"cut: inside the signature header", 0, 3000, ERR_INPUT,
	 "is cut short within its signature header"},
	{"cut: inside the main header", 0, 20000, ERR_INPUT, "is cut short within its main header"},
	{"cut: before the payload", 0, 42252, ERR_VERIFY, "is cut short"},
	{"cut: inside the payload", 0, 64000, ERR_VERIFY, "is cut short"},
	{"cut: the last byte", 0, 64943, ERR_VERIFY, "is cut short"},
};

static void
test_tampered(void **state)
{
	auto_free char *path = data_path(EL8);
	auto_free char *bytes = NULL;
	char copy[] = "/tmp/test_rpm.XXXXXX";
	struct error err = ERROR_INIT;
	size_t length;
	int fd;

	(void)state;
	assert_ok(read_file(path, 1 << 20, &bytes, &length, &err), err);
	fd = mkstemp(copy);
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(tampers); i++) {
		const struct tamper *row = &tampers[i];
		struct openpgp_signer signer;
		int r;

		bytes[row->offset] = (char)(bytes[row->offset] ^ (row->offset != 0 ? 0x55 : 0));
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bytes, row->cut != 0 ? row->cut : length, 0),
				 row->cut != 0 ? row->cut : length);
		bytes[row->offset] = (char)(bytes[row->offset] ^ (row->offset != 0 ? 0x55 : 0));
		r = verify_path(copy, "RPM-GPG-KEY-redhat8-release", REDHAT_KEY, NULL, &signer,
				&err);
		if (r == 0 || err.code != row->code || strstr(err.message, row->text) == NULL ||
		    strstr(err.message, "test_rpm.") == NULL)
			fail_msg("%s: returned %d, code %d, '%s'", row->label, r, (int)err.code,
				 err.message);
	}
	(void)close(fd);
	(void)unlink(copy);
}

/* Every 97th byte of everything that counts: no flip is accepted. */
static void
test_every_region(void **state)
{
	auto_free char *path = data_path(EL8);
	auto_free char *bytes = NULL;
	char copy[] = "/tmp/test_rpm.XXXXXX";
	struct openpgp_keyring *ring = ring_of("RPM-GPG-KEY-redhat8-release", REDHAT_KEY);
	struct error err = ERROR_INIT;
	size_t length;
	int fd;

	(void)state;
	assert_ok(read_file(path, 1 << 20, &bytes, &length, &err), err);
	fd = mkstemp(copy);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, 0), length);
	for (size_t at = 5608; at < length; at += 97) {
		char flipped = (char)(bytes[at] ^ 0x20);
		struct rpm rpm = RPM_INIT;
		struct openpgp_signer signer;

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
		if (rpm_open(copy, NULL, &rpm, &err) == 0 &&
		    rpm_verify(&rpm, ring, NULL, &signer, &err) == 0)
			fail_msg("flipped byte %zu was accepted", at);
		rpm_clear(&rpm);
		assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
	}
	openpgp_keyring_free(ring);
	(void)close(fd);
	(void)unlink(copy);
}

static void
test_members(void **state)
{
	static const struct {
		const char *file;
		size_t members;
		const char *name; /* one of them */
		const char *sha256;
	} rows[] = {
		{EL8, 133, "usr/share/licenses/crypto-policies/COPYING.LESSER", NULL},
		{EL7, 28, "usr/share/doc/centos-release/GPL",
		 "8177f97513213526df2cf6184d8ff986c675afb514d4e68a404010521b880643"},
		{V6, 10, "usr/bin/rpm-basic",
		 "d799d56d3b1e42f9b1e485614802adc2712d91427864b1af23849996847b4f97"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *path = data_path(rows[i].file);
		auto_free char *buffer = xmalloc(1 << 20);
		struct package_reader *reader = NULL;
		struct error err = ERROR_INIT;
		struct member_info info;
		struct digest digest;
		char hex[DIGEST_HEX_SIZE];
		size_t count = 0;
		bool found = false;
		int r;

		assert_ok(package_reader_open(path, NULL, &reader, &err), err);
		while ((r = package_reader_next(reader, &info, &err)) > 0) {
			count++;
			assert_true(info.name[0] != '/' && info.name[0] != '.');
			/*
			 * Every second one is skipped, and the next has to be right all the same.
			 */
			if (info.type != MEMBER_FILE ||
			    (count % 2 == 0 && strcmp(info.name, rows[i].name) != 0))
				continue;
			assert_int_equal(package_reader_read(reader, buffer, 1 << 20, &err),
					 info.size);
			assert_int_equal(package_reader_read(reader, buffer, 1, &err), 0);
			if (strcmp(info.name, rows[i].name) != 0)
				continue;
			found = true;
			digest_of(buffer, info.size, &digest);
			if (rows[i].sha256 != NULL)
				assert_string_equal(digest_hex(&digest, hex), rows[i].sha256);
		}
		assert_ok(r, err);
		assert_int_equal(package_reader_next(reader, &info, &err), 0);
		assert_int_equal(count, rows[i].members);
		assert_true(found);
		package_reader_free(reader);
	}
}

/* A signature header of one package does not go with another one. */
static void
test_splice(void **state)
{
	auto_free char *el8 = data_path(EL8), *v6 = data_path(V6);
	char signature[] = "/tmp/test_rpm.XXXXXX", output[] = "/tmp/test_rpm.XXXXXX";
	struct error err = ERROR_INIT;
	auto_free char *bytes = NULL, *result = NULL;
	size_t length, result_length;
	int signature_fd = mkstemp(signature), output_fd = mkstemp(output);

	(void)state;
	assert_true(signature_fd >= 0 && output_fd >= 0);
	assert_ok(read_file(el8, 1 << 20, &bytes, &length, &err), err);

	/* With and without the padding, the result is the signed package itself. */
	for (size_t end = 5604; end <= 5608; end += 4) {
		assert_int_equal(ftruncate(output_fd, 0), 0);
		assert_int_equal(lseek(output_fd, 0, SEEK_SET), 0);
		assert_int_equal(pwrite(signature_fd, bytes + 96, end - 96, 0), end - 96);
		assert_ok(rpm_splice(el8, signature, output_fd, &err), err);
		assert_ok(read_file(output, 1 << 20, &result, &result_length, &err), err);
		assert_int_equal(result_length, length);
		assert_memory_equal(result, bytes, length);
		free(TAKE(result));
	}
	assert_refused(rpm_splice(v6, signature, output_fd, &err), err, ERR_VERIFY,
		       "does not belong to package '" V6 "'");
	assert_int_equal(pwrite(signature_fd, bytes, 1000, 5512), 1000);
	assert_refused(rpm_splice(el8, signature, output_fd, &err), err, ERR_INPUT, "5508");
	(void)close(signature_fd);
	(void)close(output_fd);
	(void)unlink(signature);
	(void)unlink(output);
}

static void *
verify_often(void *path)
{
	struct openpgp_signer signer;
	struct error err = ERROR_INIT;

	for (int i = 0; i < 10; i++) {
		if (verify_path(path, "RPM-GPG-KEY-redhat8-release", REDHAT_KEY, NULL, &signer,
				&err) < 0)
			return path;
	}
	return NULL;
}

/* Packages are verified in parallel, each thread with a ring of its own. */
static void
test_threads(void **state)
{
	auto_free char *path = data_path(EL8);
	pthread_t threads[4];
	void *failed;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_often, path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

/* Packets that librnp does not know are no reason for it to write to standard error. */
static void
test_keys_are_silent(void **state)
{
	auto_free char *path =
		xasprintf("%s/rpms/keys/rpm-testkey-v6-ed25519.asc", data_directory());
	struct error err = ERROR_INIT;
	struct openpgp_keyring *ring = ring_of("RPM-GPG-KEY-CentOS-7", CENTOS_KEY);
	FILE *said = tmpfile();
	int saved = dup(STDERR_FILENO), r;

	(void)state;
	assert_true(saved >= 0 && said != NULL && dup2(fileno(said), STDERR_FILENO) >= 0);
	r = openpgp_keyring_add_file(ring, path, &err);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_ok(r, err);
	assert_int_equal(lseek(fileno(said), 0, SEEK_END), 0);
	(void)fclose(said);
	(void)close(saved);
	openpgp_keyring_free(ring);
}

static void
test_keys(void **state)
{
	struct openpgp_keyring *ring = ring_of("RPM-GPG-KEY-CentOS-7", CENTOS_KEY);
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(openpgp_keyring_pin(ring, REDHAT_KEY, &err), err, ERR_NOT_FOUND, REDHAT_KEY);
	assert_refused(openpgp_keyring_pin(ring, "F4A80EB5", &err), err, ERR_INPUT,
		       "'F4A80EB5' is not a fingerprint");
	assert_refused(
		openpgp_keyring_pin(ring,
				    "715619AE2365D909EB991FF97A509CD76A0BAC92F0E17C1C252581285"
				    "2CEDFC5",
				    &err),
		err, ERR_INPUT, "OpenPGP version 6");
	assert_refused(openpgp_keyring_add(ring, "no key\n", 7, "words.asc", &err), err, ERR_INPUT,
		       "words.asc");
	assert_ok(openpgp_keyring_pin(ring, "6341 ab27 53d7 8a78 a7c2  7bb1 24c6 a8a7 f4a8 0eb5",
				      &err),
		  err);
	openpgp_keyring_free(ring);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),       cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),      cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_every_region), cmocka_unit_test(test_members),
		cmocka_unit_test(test_splice),       cmocka_unit_test(test_threads),
		cmocka_unit_test(test_keys),         cmocka_unit_test(test_keys_are_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
