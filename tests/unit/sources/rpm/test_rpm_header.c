/* SPDX-License-Identifier: MIT */
/* sources/rpm/rpm_header.c and sources/rpm/cpio.c: malformed headers and payloads, each with its reason. */

#include "tests/support/test.h"

#include "base/alloc.h"
#include "sources/rpm/cpio.h"
#include "sources/rpm/rpm_header.h"

#include <sys/mman.h>
#include <unistd.h>

/*
 * A header of 4 entries: region, STRING 1000 "qemu", INT32 1028 {7, 8}, STRING_ARRAY 1117 {"a",
 * "bc"}
 */
static const uint8_t good[] = {
	0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0,
	0,    0,    0,    4,    0, 0, 0, 37, /* 37 bytes of data */
	0,    0,    0,    63,   0, 0, 0, 7,
	0,    0,    0,    21,   0, 0, 0, 16, /* 16: region */
	0,    0,    0x03, 0xe8, 0, 0, 0, 6,
	0,    0,    0,    0,    0, 0, 0, 1, /* 32: name */
	0,    0,    0x04, 0x04, 0, 0, 0, 4,
	0,    0,    0,    8,    0, 0, 0, 2, /* 48: sizes */
	0,    0,    0x04, 0x5d, 0, 0, 0, 8,
	0,    0,    0,    16,   0, 0, 0, 2, /* 64: base names */
	'q',  'e',  'm',  'u',  0, 0, 0, 0,
	0,    0,    0,    7,    0, 0, 0, 8, /* 80 */
	'a',  0,    'b',  'c',  0,          /* 96 */
	0,    0,    0,    63,   0, 0, 0, 7,
	0xff, 0xff, 0xff, 0xc0, 0, 0, 0, 16, /* 101: trailer */
};

static void
test_header(void **state)
{
	struct rpm_header header = {0};
	struct error err = ERROR_INIT;
	size_t size, count;

	(void)state;
	assert_ok(rpm_header_measure(good, 1000, "x.rpm", "main header", &size, &err), err);
	assert_int_equal(size, sizeof(good));
	assert_ok(rpm_header_parse(good, sizeof(good), RPM_REGION_MAIN, "x.rpm", &header, &err),
		  err);
	assert_string_equal(rpm_header_string(&header, 1000), "qemu");
	assert_null(rpm_header_string(&header, 1001));
	assert_null(rpm_header_string(&header, 1028));
	{
		auto_free uint64_t *sizes = rpm_header_numbers(&header, 1028, &count);
		auto_free const char **names = rpm_header_strings(&header, 1117, &count);
		uint32_t value;

		assert_int_equal(count, 2);
		assert_int_equal(sizes[0], 7);
		assert_int_equal(sizes[1], 8);
		assert_string_equal(names[1], "bc");
		assert_true(rpm_header_uint32(&header, 1028, &value));
		assert_int_equal(value, 7);
		assert_false(rpm_header_uint32(&header, 1000, &value));
		assert_null(rpm_header_bytes(&header, 1000, &size));
		assert_null(rpm_header_numbers(&header, 1000, &count));
		assert_null(rpm_header_strings(&header, 1000, &count));
	}
	rpm_header_clear(&header);
}

static void
test_header_malformed(void **state)
{
	static const struct {
		const char *label;
		size_t offset;
		uint8_t value;
		const char *text;
	} rows[] = {
		{"magic", 0, 0x8f, "has no header at the expected place"},
		{"version", 3, 2, "has no header at the expected place"},
		{"no entries", 11, 0, "has an invalid number of entries: 0"},
		{"too many entries", 9, 1, "has an invalid number of entries: 65540"},
		{"more data than there is", 15, 38, "at most 117 are possible"},
		{"less data than there is", 15, 36, "has 116 bytes, expected 117"},
		{"huge data", 12, 0xff, "at most 117 are possible"},
		{"wrong region", 19, 62, "does not begin with its region"},
		{"region type", 23, 6, "does not begin with its region"},
		{"region before the end", 27, 20, "has data outside its region"},
		{"region trailer tag", 104, 62, "has a region without an end"},
		{"region too small", 112, 0xd0, "has entries outside its region"},
		{"type unknown", 39, 10, "tag 1000 has an unknown type"},
		{"type NULL", 39, 0, "tag 1000 has an unknown type"},
		{"offset behind the data", 43, 37, "tag 1000 is outside the header"},
		{"offset far behind the data", 40, 0xff, "tag 1000 is outside the header"},
		{"string twice", 47, 2, "tag 1000 has more than one string"},
		{"empty", 47, 0, "tag 1000 is empty"},
		{"not aligned", 59, 9, "tag 1028 is not aligned"},
		{"count outside", 63, 8, "tag 1028 extends beyond the header"},
		{"count far outside", 60, 0x40, "tag 1028 extends beyond the header"},
		{"array without an end", 79, 200, "tag 1117 has a string without an end"},
		{"overlapping arrays", 63, 7, "overlaps another"},
		{"tag twice", 67, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t bytes[sizeof(good)];
		struct rpm_header header = {0};
		struct error err = ERROR_INIT;
		int r;

		memcpy(bytes, good, sizeof(good));
		bytes[rows[i].offset] = rows[i].value;
		if (rows[i].text == NULL) { /* the array takes the tag of the numbers */
			bytes[66] = 0x04;
			bytes[67] = 0x04;
		}
		r = rpm_header_parse(bytes, sizeof(bytes), RPM_REGION_MAIN, "x.rpm", &header, &err);
		if (r == 0 || err.code != ERR_INPUT || strstr(err.message, "'x.rpm'") == NULL ||
		    strstr(err.message,
			   rows[i].text != NULL ? rows[i].text : "duplicate tag 1028") == NULL)
			fail_msg("%s: returned %d, '%s'", rows[i].label, r, err.message);
		assert_null(header.entries);
	}
	for (size_t length = 0; length < sizeof(good); length++) {
		auto_free uint8_t *bytes = xmalloc(length + 1);
		struct rpm_header header = {0};
		struct error err = ERROR_INIT;

		memcpy(bytes, good, length);
		assert_refused(
			rpm_header_parse(bytes, length, RPM_REGION_MAIN, "x.rpm", &header, &err),
			err, ERR_INPUT, "x.rpm");
	}
}

/*
 * The signature header is not signed: entries may follow its region, whose end has the tag 61 in
 * packages that passed a signing server.
 */
static void
test_signature_region(void **state)
{
	static const struct {
		const char *label;
		uint8_t trailer_tag, entries; /* of the region, as its end says */
		const char *text;
	} rows[] = {
		{"all of it", 62, 4, NULL},
		{"old trailer", 61, 4, NULL},
		{"entries behind it", 61, 2, NULL},
		{"the region alone", 62, 1, NULL},
		{"another trailer", 63, 4, "has a region without an end"},
		{"no entries", 62, 0, "has a region with more entries than the header"},
		{"too many entries", 62, 5, "has a region with more entries than the header"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t bytes[sizeof(good)];
		struct rpm_header header = {0};
		struct error err = ERROR_INIT;
		int r;

		memcpy(bytes, good, sizeof(good));
		bytes[19] = RPM_REGION_SIGNATURE;
		bytes[104] = rows[i].trailer_tag;
		bytes[112] = (uint8_t)(0U - rows[i].entries * 16U);
		if (rows[i].entries == 0) /* so that it is 0, and not a negative number */
			memset(bytes + 109, 0, 4);
		r = rpm_header_parse(bytes, sizeof(bytes), RPM_REGION_SIGNATURE, "x.rpm", &header,
				     &err);
		if ((rows[i].text == NULL) != (r == 0) ||
		    (rows[i].text != NULL && strstr(err.message, rows[i].text) == NULL))
			fail_msg("%s: returned %d, '%s'", rows[i].label, r, err.message);
		rpm_header_clear(&header);
	}
}

/* Walks a payload given as text, '~' standing for NUL, and writes down what it finds. */
static int
walk(const char *text, char *found, size_t room, struct error *err)
{
	AUTO(decompressor_freep) struct decompressor *source = NULL;
	auto_close int fd = memfd_create("payload", MFD_CLOEXEC);
	auto_free char *bytes = xstrdup(text);
	struct cpio_entry entry;
	struct cpio cpio;
	size_t used = 0;
	int r;

	for (char *p = bytes; *p != '\0'; p++)
		*p = *p == '~' ? '\0' : *p;
	assert_int_equal(write(fd, bytes, strlen(text)), strlen(text));
	assert_ok(decompressor_open(fd, 0, COMPRESSION_NONE, "x.rpm", &source, err), *err);
	cpio_init(&cpio, source, "x.rpm");
	while ((r = cpio_next(&cpio, &entry, err)) > 0) {
		char data[64];
		ssize_t n;

		if (entry.stripped)
			cpio_set_size(&cpio, 5);
		n = cpio_read(&cpio, data, sizeof(data), err);
		if (n < 0)
			return -1;
		if (entry.stripped)
			used += (size_t)snprintf(found + used, room - used, "#%u=%.*s ",
						 entry.index, (int)n, data);
		else
			used += (size_t)snprintf(found + used, room - used, "%s=%.*s ", entry.name,
						 (int)n, data);
		assert_true(used < room);
	}
	return r;
}

#define ZEROS "00000000"
/* ino, mode 0100644, uid, gid, nlink, mtime */
#define HEAD    "070701" ZEROS "000081a4" ZEROS ZEROS "00000001" ZEROS
#define DEVICES ZEROS ZEROS ZEROS ZEROS
#define TRAILER HEAD ZEROS DEVICES "0000000b" ZEROS "TRAILER!!!~~~~"

static void
test_cpio(void **state)
{
	static const struct {
		const char *label, *text;
		const char *found;   /* or NULL */
		const char *message; /* then */
	} rows[] = {
		{"nothing in it", TRAILER, "", NULL},
		{"a file", HEAD "00000003" DEVICES "00000004" ZEROS "./a~~~abc~" TRAILER,
		 "./a=abc ", NULL},
		{"upper case, empty file",
		 HEAD "00000000" DEVICES "0000000A" ZEROS "./abcdefg~" HEAD "00000004" DEVICES
		      "00000002" ZEROS "b~wxyz" TRAILER,
		 "./abcdefg= b=wxyz ", NULL},
		{"stripped",
		 "07070X"
		 "00000002~~"
		 "hello~~~"
		 "07070X"
		 "0000001f~~"
		 "world~~~" TRAILER,
		 "#2=hello #31=world ", NULL},
		{"empty payload", "", NULL, "is cut short"},
		{"no trailer", HEAD "00000003" DEVICES "00000004" ZEROS "./a~~~abc~", NULL,
		 "is cut short"},
		{"cut in the data", HEAD "00000003" DEVICES "00000004" ZEROS "./a~~~ab", NULL,
		 "is cut short"},
		{"cut in the name", HEAD "00000003" DEVICES "00000004" ZEROS "./", NULL,
		 "is cut short"},
		{"cut in the head", HEAD "0000", NULL, "is cut short"},
		{"cut in the index",
		 "07070X"
		 "0000",
		 NULL, "is cut short"},
		{"other magic", "070707" ZEROS ZEROS ZEROS ZEROS, NULL, "malformed at byte 6"},
		{"no number", HEAD "0000000g" DEVICES "00000004" ZEROS "./a~~~abc~" TRAILER, NULL,
		 "malformed"},
		{"no index",
		 "07070X"
		 "0000000 ~~hello~~~" TRAILER,
		 NULL, "malformed"},
		{"name without end", HEAD "00000003" DEVICES "00000003" ZEROS "./a~~~abc~" TRAILER,
		 NULL, "malformed"},
		{"name with an end inside",
		 HEAD "00000003" DEVICES "00000006" ZEROS "./a~b~abc~" TRAILER, NULL, "malformed"},
		{"no name", HEAD "00000003" DEVICES "00000000" ZEROS "~~abc~" TRAILER, NULL,
		 "malformed"},
		{"huge name", HEAD "00000003" DEVICES "ffffffff" ZEROS "./a~" TRAILER, NULL,
		 "malformed"},
		{"huge file", HEAD "ffffffff" DEVICES "00000004" ZEROS "./a~~~abc~" TRAILER, NULL,
		 "is cut short"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		char found[200] = "";
		int r = walk(rows[i].text, found, sizeof(found), &err);

		if (rows[i].found != NULL && (r < 0 || strcmp(found, rows[i].found) != 0))
			fail_msg("%s: '%s', found '%s'", rows[i].label, err.message, found);
		if (rows[i].message != NULL &&
		    (r >= 0 || err.code != ERR_INPUT || strstr(err.message, "'x.rpm'") == NULL ||
		     strstr(err.message, rows[i].message) == NULL))
			fail_msg("%s: returned %d, '%s'", rows[i].label, r, err.message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_header_malformed),
		cmocka_unit_test(test_signature_region),
		cmocka_unit_test(test_cpio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
