/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/cleanup.h"
#include "sources/debian/deb822.h"
#include "sources/debian/release_file.h"

#include <stdlib.h>

#define A "4CB50190207B4758A3F73A796ED0E7B82643E131"
#define P "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"
#define B "B8E5F13176D2A7A75220028078DBA3BC47EF2265"
#define Q "04B54C3CDCA79751B16BC6B5225629DF75B188BD"

#define GOOD(key) "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG " key " A Name <a@example.test>\n"
#define VALID(key, hash, primary)                                                                  \
	"[GNUPG:] VALIDSIG " key " 2026-11-21 1795252580 0 4 0 1 " hash " 01 " primary "\n"

static void
one_good_signature_of_a_pinned_key(void **state)
{
	static const char *const pins[] = {P}, *const lower[] = {
						       "ffffffffffffffffffffffffffffffffffffffff",
						       "04b54c3cdca79751b16bc6b5225629df75b188bd"};
	static const struct release_keys any = {NULL, 0}, first = {pins, 1}, second = {lower, 2};
	static const struct {
		const char *label, *status;
		const struct release_keys *keys;
		const char *signer, *refusal; /* either is NULL */
	} rows[] = {
		{"good", GOOD(A) VALID(A, "8", P), &any, P, NULL},
		{"good and pinned", GOOD(A) VALID(A, "10", P), &first, P, NULL},
		{"the second is the pinned one", GOOD(A) VALID(A, "8", P) GOOD(B) VALID(B, "8", Q),
		 &second, Q, NULL},
		{"another key is missing",
		 "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG 1122334455667788 1 8 01 1795252580 9 -\n"
		 "[GNUPG:] NO_PUBKEY 1122334455667788\n" GOOD(A) VALID(A, "8", P),
		 &first, P, NULL},
		{"no primary key named",
		 GOOD(A) "[GNUPG:] VALIDSIG " P " 2026-11-21 1795252580 0 4 0 1 8 01\n", &first, P,
		 NULL},
		{"not pinned", GOOD(B) VALID(B, "8", Q), &first, NULL,
		 "signed by key " Q ", which is"},
		{"subkey pinned in place of its primary", GOOD(P) VALID(P, "8", Q), &first, NULL,
		 "signed by key " Q},
		{"valid without good", "[GNUPG:] NEWSIG\n" VALID(A, "8", P), &any, NULL,
		 "not signed"},
		{"expired key", "[GNUPG:] NEWSIG\n[GNUPG:] EXPKEYSIG " A " N\n" VALID(A, "8", P),
		 &any, NULL, "an expired key"},
		{"revoked key", "[GNUPG:] NEWSIG\n[GNUPG:] REVKEYSIG " A " N\n" VALID(A, "8", P),
		 &any, NULL, "a revoked key"},
		{"expired signature", "[GNUPG:] NEWSIG\n[GNUPG:] EXPSIG " A " N\n" VALID(A, "8", P),
		 &any, NULL, "an expired signature"},
		{"good first, then valid of a revoked one",
		 GOOD(B) "[GNUPG:] NEWSIG\n[GNUPG:] REVKEYSIG " A " N\n" VALID(A, "8", P), &any,
		 NULL, "revoked"},
		{"SHA-1", GOOD(A) VALID(A, "2", P), &any, NULL, "a weak hash"},
		{"MD5", GOOD(A) VALID(A, "1", P), &any, NULL, "a weak hash"},
		{"one bad among good",
		 GOOD(A) VALID(A, "8", P) "[GNUPG:] NEWSIG\n[GNUPG:] BADSIG " B " N\n", &any, NULL,
		 "was altered"},
		{"nothing known", "[GNUPG:] NEWSIG\n[GNUPG:] NO_PUBKEY 1122334455667788\n", &any,
		 NULL, "signed by key 1122334455667788, which is not in the keyring"},
		{"nothing", "", &any, NULL, "it is not signed"},
		{"a name with a line of ours in it",
		 "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG x [GNUPG:] GOODSIG\n" VALID(A, "8", P), &any,
		 NULL, "not signed"},
		{"cut", GOOD(A) "[GNUPG:] VALIDSIG " A " 2026", &any, NULL,
		 "unexpected output of gpgv"},
		{"no fingerprint", GOOD(A) VALID("xyz", "8", P), &any, NULL,
		 "unexpected output of gpgv"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct release_signature signature = {"", ""};
		struct error err = ERROR_INIT;
		int r = gpgv_status_parse(rows[i].status, rows[i].keys, &signature, &err);

		if (rows[i].signer != NULL) {
			if (r < 0 || strcmp(signature.primary, rows[i].signer) != 0)
				fail_msg("%s: '%s' '%s'", rows[i].label, signature.primary,
					 err.message);
		} else if (r >= 0 || err.code != ERR_VERIFY ||
			   strstr(err.message, rows[i].refusal) == NULL) {
			fail_msg("%s: %d '%s'", rows[i].label, r, err.message);
		}
	}
}

static void
dates(void **state)
{
	static const struct {
		const char *text;
		int64_t sec;
	} rows[] = {
		{"Sat, 21 Nov 2026 09:15:44 UTC", 1795252544},
		{"Sat, 21 Nov 2026 09:15:44 GMT", 1795252544},
		{"Thu, 01 Jan 1970 00:00:00 +0000", 0},
		{"Tue, 19 Jan 2038 03:14:08 UTC", 2147483648},
	};
	static const char *const bad[] = {
		"",
		"yesterday",
		"Sat, 21 Nov 2026 09:15:44",
		"Sat, 21 Nov 2026 09:15:44 PST",
		"Sat, 21 ovD 2026 09:15:44 UTC",
		"Sat, 21 Nov 2026 25:15:44 UTC",
		"Sat, 41 Nov 2026 09:15:44 UTC",
		"Sat, 21 Nov 2026 09:15:44 UTC and more",
		"2026-11-21T09:15:44Z",
	};
	int64_t sec;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(release_parse_date(rows[i].text, &sec));
		assert_int_equal(sec, rows[i].sec);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (release_parse_date(bad[i], &sec))
			fail_msg("'%s' is taken for %lld", bad[i], (long long)sec);
}

static void
fields_of_a_release(void **state)
{
	static const char text[] = "Origin: Debian\nSuite: unstable\nCodename: sid\n"
				   "Date: Sat, 21 Nov 2026 09:15:44 UTC\n"
				   "Valid-Until: Sat, 28 Nov 2026 09:15:44 UTC\n"
				   "MD5Sum:\n 0123 12 main/x\n 4567 34 main/y\n";
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"Suite: x\n", "missing field 'Date'"},
		{"Date: now\n", "'now' is not a date"},
		{"Date: Sat, 21 Nov 2026 09:15:44 UTC\nValid-Until: never\n",
		 "'never' is not a date"},
		{"", "the text is empty"},
		{"Date: Sat, 21 Nov 2026 09:15:44 UTC\nDate: x\n", "duplicate field 'Date'"},
	};
	AUTO(release_clear) struct release release = RELEASE_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(release_parse(text, strlen(text), "R", &release, &err), err);
	assert_string_equal(release.suite, "unstable");
	assert_string_equal(release.codename, "sid");
	assert_int_equal(release.date_sec, 1795252544);
	assert_int_equal(release.valid_until_sec - release.date_sec, 7 * 86400);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(
			release_parse(rows[i].text, strlen(rows[i].text), "R", &release, &err), err,
			ERR_INPUT, rows[i].wanted);
}

static void
paragraphs_follow_each_other(void **state)
{
	static const char text[] = "\n \nA: 1\nB:\n x\n  y \n\n\nC: 2\r\nD:  3  \n";
	AUTO(deb822_clear) struct deb822 first = DEB822_INIT;
	AUTO(deb822_clear) struct deb822 second = DEB822_INIT;
	struct deb822 none = DEB822_INIT;
	struct error err = ERROR_INIT;
	size_t offset = 0, length = strlen(text);

	(void)state;
	assert_int_equal(deb822_next(text, length, &offset, "t", &first, &err), 1);
	assert_string_equal(deb822_get(&first, "a"), "1");
	assert_string_equal(deb822_get(&first, "B"), "\nx\ny");
	assert_null(deb822_get(&first, "C"));
	assert_int_equal(deb822_next(text, length, &offset, "t", &second, &err), 1);
	assert_string_equal(deb822_get(&second, "C"), "2");
	assert_string_equal(deb822_get(&second, "D"), "3");
	assert_int_equal(deb822_next(text, length, &offset, "t", &none, &err), 0);
	/* A blank before the colon makes no name. */
	offset = 0;
	assert_refused(deb822_next("C : 2", 5, &offset, "t", &none, &err), err, ERR_INPUT,
		       "'C : 2' is no");
	offset = 0;
	assert_refused(deb822_next("C: \0", 4, &offset, "t", &none, &err), err, ERR_INPUT, "NUL");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_good_signature_of_a_pinned_key),
		cmocka_unit_test(dates),
		cmocka_unit_test(fields_of_a_release),
		cmocka_unit_test(paragraphs_follow_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
