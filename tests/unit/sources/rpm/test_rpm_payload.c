/* SPDX-License-Identifier: MIT */
/*
 * sources/rpm/rpm_payload.c: payloads that are not what the header says. The package is one of the
 * fuzzer's corpus, with a plain payload and four files: a symbolic link, a file of 6 bytes, and two
 * names of a file of 28 bytes.
 */

#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "sources/rpm/rpm.h"
#include "sources/rpm/rpm_payload.h"

#include <sys/mman.h>
#include <unistd.h>

static char *original;
static size_t original_size, payload_offset;

static int
setup(void **state)
{
	struct rpm rpm = RPM_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(rpm_open("fuzz/corpus/rpm/w.ufdio", NULL, &rpm, &err), err);
	payload_offset = (size_t)rpm.payload_offset;
	rpm_clear(&rpm);
	assert_ok(read_file("fuzz/corpus/rpm/w.ufdio", 1 << 20, &original, &original_size, &err),
		  err);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(original);
	return 0;
}

/* Reads everything; 0 at a good end. */
static int
read_package(const char *bytes, size_t size, struct error *err)
{
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	auto_close int fd = memfd_create("package", MFD_CLOEXEC);
	struct member_info info;
	char path[64], buffer[5];
	ssize_t n;
	int r;

	assert_int_equal(write(fd, bytes, size), size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (rpm_reader_open(path, NULL, &reader, err) < 0)
		return -1;
	while ((r = package_reader_next(reader, &info, err)) > 0) {
		uint64_t seen = 0;

		while ((n = package_reader_read(reader, buffer, sizeof(buffer), err)) > 0)
			seen += (uint64_t)n;
		if (n < 0)
			return -1;
		assert_int_equal(seen, info.size);
	}
	return r;
}

static void
test_good(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(read_package(original, original_size, &err), err);
}

/* Where in the payload a text stands. */
static size_t
find(const char *text)
{
	const char *at = memmem(original + payload_offset, original_size - payload_offset, text,
				strlen(text));

	assert_non_null(at);
	return (size_t)(at - original);
}

static void
test_replaced(void **state)
{
	static const struct {
		const char *label;
		const char *find; /* in the payload */
		long shift;       /* from there to what is replaced */
		const char *replace;
		enum error_code code;
		const char *message;
	} rows[] = {
		{"a byte of a file", "hello\n", 0, "j", ERR_VERIFY,
		 "sha256 of 'usr/bin/qemu-s390x-static'"},
		{"the last byte of a file", "hello\n", 5, " ", ERR_VERIFY, "sha256 of"},
		{"another name", "./usr/bin/qemu-s390x-static", 10, "quick", ERR_VERIFY,
		 "twice or without an entry in the signed header"},
		{"the name of another file", "./usr/bin/qemu-arm-static", 15, "ghi", ERR_VERIFY,
		 "twice or without an entry"},
		{"a name that climbs", "./usr/bin/qemu-s390x-static", 0, "./../bin", ERR_VERIFY,
		 "'./../bin"},
		{"size", "./usr/bin/qemu-s390x-static", -110 + 6 + 6 * 8 + 7, "7", ERR_VERIFY,
		 "has 7 bytes in the payload"},
		{"a size far too large", "./usr/bin/qemu-s390x-static", -110 + 6 + 6 * 8, "7",
		 ERR_VERIFY, "as in the header"},
		{"type", "./usr/bin/qemu-s390x-static", -110 + 6 + 8 + 4, "2", ERR_VERIFY,
		 "differs from the header"},
		{"magic", "./usr/bin/qemu-s390x-static", -110, "x", ERR_INPUT, "malformed at byte"},
		{"an end before the end", "./usr/bin/qemu-s390x-static", 0, "TRAILER!!!",
		 ERR_VERIFY, "twice or without an entry"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *bytes = xmalloc(original_size);
		struct error err = ERROR_INIT;
		size_t at = (size_t)((long)find(rows[i].find) + rows[i].shift);
		int r;

		memcpy(bytes, original, original_size);
		memcpy(bytes + at, rows[i].replace, strlen(rows[i].replace));
		r = read_package(bytes, original_size, &err);
		if (r == 0 || err.code != rows[i].code ||
		    strstr(err.message, rows[i].message) == NULL)
			fail_msg("%s: returned %d, code %d, '%s'", rows[i].label, r, (int)err.code,
				 err.message);
	}
}

/* A payload that ends in good order after the first file is no smaller package. */
static void
test_incomplete(void **state)
{
	size_t second = find("./usr/bin/qemu-s390x-static") - 110;
	size_t trailer = find("TRAILER!!!") - 110;
	auto_free char *bytes = xmalloc(original_size);
	struct error err = ERROR_INIT;

	(void)state;
	memcpy(bytes, original, second);
	memcpy(bytes + second, original + trailer, original_size - trailer);
	assert_refused(read_package(bytes, second + original_size - trailer, &err), err, ERR_VERIFY,
		       "is missing '/usr/bin/qemu-");
}

/* At whatever byte it is cut, it is noticed. */
static void
test_cut(void **state)
{
	size_t end = find("TRAILER!!!") + strlen("TRAILER!!!") + 1;

	(void)state;
	for (size_t size = payload_offset; size < end; size++) {
		struct error err = ERROR_INIT;

		assert_refused(read_package(original, size, &err), err, ERR_INPUT, "is cut short");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
