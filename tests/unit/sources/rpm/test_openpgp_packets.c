/* SPDX-License-Identifier: MIT */
/* sources/rpm/openpgp_packets.c: which packets of a key file are handed to librnp. */

#include "tests/support/test.h"

#include "base/alloc.h"
#include "sources/rpm/openpgp_packets.h"

/* Bodies of packets; what follows the part that is looked at does not matter. */
#define KEY4       "\x04TIME\x01......."
#define KEY4_NEW   "\x04TIME\x1b......."
#define KEY6       "\x06TIME\x1b......."
#define KEY3       "\x03TIMEVV\x01....."
#define SIG4       "\x04T\x01............."
#define SIG4_NEW   "\x04T\x1e............."
#define SIG6       "\x06T\x1b............."
#define SIG3       "\x03\x05TTIMEKEYIDKEY\x01"
#define KEY(body)  "\xc6\x0d" body
#define SUB(body)  "\xce\x0d" body
#define SIG(body)  "\xc2\x10" body
#define OLD(body)  "\x98\x0d" body
#define OLD2(body) "\x99\x00\x0d" body
#define NAME                                                                                       \
	"\xcd\x03"                                                                                 \
	"abc"
#define PADDING                                                                                    \
	"\xd5\x02"                                                                                 \
	"pp"

struct row {
	const char *label;
	const char *bytes;
	size_t size;
	const char *known;
	size_t known_size;
};

#define ROW(label, bytes, known) {label, bytes, sizeof(bytes) - 1, known, sizeof(known) - 1}

static void
test_known(void **state)
{
	static const struct row rows[] = {
		ROW("nothing", "", ""),
		ROW("version 4", KEY(KEY4) NAME SIG(SIG4) SUB(KEY4) SIG(SIG4),
		    KEY(KEY4) NAME SIG(SIG4) SUB(KEY4) SIG(SIG4)),
		ROW("old heads", OLD(KEY4) NAME OLD2(KEY3) SIG(SIG3),
		    OLD(KEY4) NAME OLD2(KEY3) SIG(SIG3)),
		ROW("version 6 alone", KEY(KEY6) NAME SIG(SIG6) SUB(KEY6) SIG(SIG6), ""),
		ROW("version 6 between",
		    KEY(KEY4) NAME KEY(KEY6) NAME SIG(SIG4) KEY(KEY4) SIG(SIG4),
		    KEY(KEY4) NAME KEY(KEY4) SIG(SIG4)),
		ROW("its subkeys go with it", KEY(KEY6) SUB(KEY4) SIG(SIG4), ""),
		ROW("a new algorithm", KEY(KEY4_NEW) NAME SIG(SIG4) KEY(KEY4), KEY(KEY4)),
		ROW("a new subkey", KEY(KEY4) SUB(KEY4_NEW) SIG(SIG4) SUB(KEY4) SIG(SIG4),
		    KEY(KEY4) SUB(KEY4) SIG(SIG4)),
		ROW("a new signature", KEY(KEY4) NAME SIG(SIG4_NEW) SIG(SIG6) SIG(SIG4),
		    KEY(KEY4) NAME SIG(SIG4)),
		ROW("packets of other kinds", PADDING KEY(KEY4) PADDING NAME, KEY(KEY4) NAME),
		ROW("a signature of nothing", SIG(SIG4) NAME, ""),
		ROW("too short a key",
		    "\xc6\x03\x04"
		    "ab",
		    ""),
		ROW("five octets of length", "\xc6\xff\x00\x00\x00\x0d" KEY4,
		    "\xc6\xff\x00\x00\x00\x0d" KEY4),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free uint8_t *known = NULL;
		struct error err = ERROR_INIT;
		size_t size = 99;

		if (openpgp_known_packets((const uint8_t *)rows[i].bytes, rows[i].size, "keys.gpg",
					  &known, &size, &err) < 0)
			fail_msg("%s: '%s'", rows[i].label, err.message);
		if (size != rows[i].known_size || memcmp(known, rows[i].known, size) != 0)
			fail_msg("%s: %zu bytes, not %zu", rows[i].label, size, rows[i].known_size);
	}
}

static void
test_damaged(void **state)
{
	static const struct row rows[] = {
		ROW("no packet", "key", ""),
		ROW("a head alone", "\xc6", ""),
		ROW("body too short",
		    "\xc6\x0d"
		    "short",
		    ""),
		ROW("length too short", "\xc6\xff\x00\x00", ""),
		ROW("huge length", "\xc6\xff\xff\xff\xff\xff" KEY4, ""),
		ROW("length in parts",
		    "\xc6\xe1"
		    "ab",
		    ""),
		ROW("no length",
		    "\x9b"
		    "abc",
		    ""),
		ROW("text behind", KEY(KEY4) "x", ""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* A copy without anything behind it, which the sanitizers watch. */
		auto_free uint8_t *copy = xmalloc(rows[i].size);
		auto_free uint8_t *known = NULL;
		struct error err = ERROR_INIT;
		size_t size = 99;

		memcpy(copy, rows[i].bytes, rows[i].size);
		assert_refused(
			openpgp_known_packets(copy, rows[i].size, "keys.gpg", &known, &size, &err),
			err, ERR_INPUT, "'keys.gpg' is damaged");
		assert_int_equal(size, 99);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
