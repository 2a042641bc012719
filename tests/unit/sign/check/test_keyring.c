/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "sign/check/key_list.h"
#include "sign/check/sums.h"
#include "sign/check/tag_object.h"

#define STAMP "# allowed_signers serial 7 2026-12-01\n"

/* Keys that differ in their last byte; nobody has their secret part. */
static struct public_key
key_number(uint8_t number)
{
	struct public_key key = {{0}};

	key.bytes[PUBLIC_KEY_SIZE - 1] = number;
	return key;
}

/* The line of a key in allowed_signers, to be freed. */
static char *
line_of(uint8_t number)
{
	const struct public_key key = key_number(number);
	struct error err = ERROR_INIT;
	char *line = NULL;

	assert_ok(keyring_format_line("a@example.org", "file,git", &key, &line, &err), err);
	return line;
}

static void
the_first_line_has_one_spelling(void **state)
{
	static const struct {
		const char *text;
		uint64_t serial;
	} rows[] = {
		{STAMP, 7},
		{"# allowed_signers serial 1 0000-00-00", 1},
		{"# allowed_signers serial 999999999 2026-12-01\r\nx", 999999999},
		{"", 0},
		{"\n" STAMP, 0},
		{" " STAMP, 0},
		{"#  allowed_signers serial 7 2026-12-01\n", 0},
		{"# revoked_keys serial 7 2026-12-01\n", 0},
		{"# allowed_signers serial 0 2026-12-01\n", 0},
		{"# allowed_signers serial 07 2026-12-01\n", 0},
		{"# allowed_signers serial 1000000000 2026-12-01\n", 0},
		{"# allowed_signers serial -1 2026-12-01\n", 0},
		{"# allowed_signers serial  2026-12-01\n", 0},
		{"# allowed_signers serial 7\n", 0},
		{"# allowed_signers serial 7 \n", 0},
		{"# allowed_signers serial 7 2026-12-1\n", 0},
		{"# allowed_signers serial 7 2026-12-0", 0},
		{"# allowed_signers serial 7 2026/12/01\n", 0},
		{"# allowed_signers serial 7 2026-12-01 \n", 0},
		{"# allowed_signers serial 7 2026-12-01x\n", 0},
		{"# allowed_signers serial 7 2026-12-01\rx\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct keyring_stamp stamp = {0, ""};
		bool good = key_list_stamp(rows[i].text, KEYRING_ALLOWED, &stamp);

		if (good != (rows[i].serial != 0) || stamp.serial != rows[i].serial)
			fail_msg("'%s': %d, %llu", rows[i].text, good,
				 (unsigned long long)stamp.serial);
	}
}

static void
a_first_line_replaces_the_one_before(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "# revoked_keys serial 8 1970-01-02\n"},
		{"# revoked_keys serial 7 2026-12-01\nx\n",
		 "# revoked_keys serial 8 1970-01-02\nx\n"},
		{"x\r\ny", "# revoked_keys serial 8 1970-01-02\nx\ny\n"},
		{STAMP, "# revoked_keys serial 8 1970-01-02\n" STAMP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *got =
			key_list_with_stamp(rows[i].text, KEYRING_REVOKED, 8, 86400 + 3600);

		assert_string_equal(got, rows[i].want);
	}
}

static void
a_list_is_changed_where_it_has_to_be(void **state)
{
	auto_free char *one = line_of(1), *two = line_of(2), *whole = NULL, *text = NULL;
	auto_free char *retired = NULL, *again = NULL, *gone = NULL, *want = NULL;
	const struct public_key first = key_number(1), second = key_number(2), none = key_number(3);
	char fingerprint[FINGERPRINT_SIZE];
	struct error err = ERROR_INIT;

	(void)state;
	whole = xasprintf(STAMP "# a comment\n%s%s# b\n", one, two);
	assert_ok(key_list_retire(whole, &second, "v10.1.0-1", &retired, &err), err);
	public_key_fingerprint(&second, fingerprint);
	want = xasprintf(STAMP "# a comment\n%s# retired after v10.1.0-1 %s\n%s# b\n", one,
			 fingerprint, two);
	assert_string_equal(retired, want);
	assert_ok(key_list_retire(retired, &second, "v10.2.0-1", &again, &err), err);
	assert_int_equal(strlen(again), strlen(retired));
	assert_null(strstr(again, "v10.1.0-1"));
	gone = key_list_without(again, &second, 1);
	free(want);
	want = xasprintf(STAMP "# a comment\n%s# b\n", one);
	assert_string_equal(gone, want);
	text = key_list_without(gone, &first, 1);
	assert_string_equal(text, STAMP "# a comment\n# b\n");
	free(text);
	text = key_list_without(whole, &none, 1);
	assert_string_equal(text, whole);
	assert_refused(key_list_retire(whole, &none, "v10.1.0-1", &text, &err), err, ERR_INPUT,
		       "is not listed");
	assert_refused(key_list_retire(whole, &first, "10.1.0-1", &text, &err), err, ERR_INPUT,
		       "is not a release tag");
	assert_string_equal(text, whole);
}

static void
limits_of_a_list(void **state)
{
	auto_free char *text = xmalloc(KEYRING_MAX_TEXT + 2);
	AUTO(strbuf_clear) struct strbuf list = STRBUF_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	memset(text, '#', KEYRING_MAX_TEXT + 1);
	for (size_t more = 0; more < 2; more++) {
		AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
		int result = keyring_parse(text, KEYRING_MAX_TEXT + more, KEYRING_ALLOWED, &keyring,
					   "L", &err);

		assert_int_equal(result, more == 0 ? 0 : -1);
	}
	for (int i = 0; i < KEYRING_MAX_KEYS; i++)
		strbuf_addf(&list, "x namespaces=\"file\" %s AAAA\n",
			    i % 2 == 0 ? "ssh-rsa" : "sk-x");
	for (int more = 0; more < 2; more++) {
		AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
		auto_free char *one = line_of(1);
		int result = keyring_parse(strbuf_text(&list), list.length, KEYRING_ALLOWED,
					   &keyring, "L", &err);

		assert_int_equal(result, more == 0 ? 0 : -1);
		assert_int_equal(keyring.skipped_count, KEYRING_MAX_KEYS);
		strbuf_adds(&list, one);
	}
	assert_non_null(strstr(err.message, "L:257: more than 256 keys"));
}

static void
nothing_stands_behind_a_nul(void **state)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
	static const char begin[] = "object 0123456789012345678901234567890123456789\ntype commit\n"
				    "tag v1\ntagger A B <a@example.org> 1 +0000\n\n";
	auto_free char *text = xmalloc(TAG_OBJECT_MAX_TEXT + 2);
	const char list[] = STAMP "\0x";
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(keyring_parse(list, sizeof(list), KEYRING_ALLOWED, &keyring, "L", &err), err,
		       ERR_INPUT, "'L' is not a list of keys");
	memset(text, 'm', TAG_OBJECT_MAX_TEXT + 1);
	memcpy(text, begin, strlen(begin));
	text[TAG_OBJECT_MAX_TEXT - 1] = '\n';
	text[TAG_OBJECT_MAX_TEXT] = '\n';
	assert_ok(tag_object_parse(text, TAG_OBJECT_MAX_TEXT, &tag, "T", &err), err);
	tag_object_clear(&tag);
	assert_refused(tag_object_parse(text, TAG_OBJECT_MAX_TEXT + 1, &tag, "T", &err), err,
		       ERR_INPUT, "T: not a tag object");
	text[strlen(begin) + 2] = '\n';
	text[strlen(begin) + 3] = '\0';
	assert_refused(tag_object_parse(text, strlen(begin) + 5, &tag, "T", &err), err, ERR_INPUT,
		       "T: not a tag object");
	assert_ok(tag_object_parse(text, strlen(begin) + 3, &tag, "T", &err), err);
}

static void
a_retired_key_is_good_for_what_there_was(void **state)
{
	static const struct {
		const char *release, *sentence;
	} rows[] = {
		{"v10.1.0-1", NULL},
		{"10.1.0-1", NULL},
		{"v9.9.9-9", NULL},
		{"v10.1.0-rc1-3", NULL},
		{"v10.1.0-2", "the file is for v10.1.0-2 and by key SHA256:"},
		{"10.10.0-1", "was retired after v10.1.0-1"},
		{"latest", "the file is for latest"},
		{"vv10.0.0-1", "the file is for vv10.0.0-1"},
		{"", "was retired after"},
		{NULL, "does not name its release"},
	};
	const struct public_key key = key_number(1), other = key_number(2);
	auto_free char *one = line_of(1), *two = line_of(2), *list = NULL, *text = NULL;
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	const struct keyring_entry *entry = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	list = xasprintf("%s%s", two, one);
	assert_ok(key_list_retire(list, &key, "v10.1.0-1", &text, &err), err);
	assert_ok(keyring_parse(text, strlen(text), KEYRING_ALLOWED, &keyring, "L", &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int result = keyring_find_for(&keyring, &key, SSHSIG_FILE, rows[i].release,
					      "the file", &entry, &err);

		if (rows[i].sentence == NULL)
			assert_ok(result, err);
		else
			assert_refused(result, err, ERR_VERIFY, rows[i].sentence);
	}
	assert_refused(keyring_find(&keyring, &key, SSHSIG_FILE, "the file", &entry, &err), err,
		       ERR_VERIFY, "was retired after v10.1.0-1");
	assert_ok(keyring_find(&keyring, &other, SSHSIG_GIT, "the tag", &entry, &err), err);
	assert_true(public_key_equal(&entry->key, &other));
}

static void
a_list_names_the_version_of_its_release(void **state)
{
#define DIGEST "0123456789012345678901234567890123456789012345678901234567890123  "
	static const struct {
		const char *text, *want;
	} rows[] = {
		{DIGEST "a\n" DIGEST "qemu-user-static-10.2-rc1-1.release.json\n", "10.2-rc1-1"},
		{DIGEST "10.2.0-1.release.json\n", "10.2.0-1"},
		{DIGEST "a-10.2.0-1.release.json.sig\n" DIGEST "b-10.3.0-1.release.json\n",
		 "10.3.0-1"},
		{DIGEST "a-10.2.0-1.release.json\n" DIGEST "b-10.3.0-1.release.json\n", NULL},
		{DIGEST "a-10.2.0-1.release.json", NULL},
		{DIGEST "a-10.2.0.release.json\n", NULL},
		{DIGEST "a-10.2.0-1.spdx.json\n", NULL},
		{".release.json\n", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *got = sums_release_version(rows[i].text);

		if (rows[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_has_one_spelling),
		cmocka_unit_test(a_first_line_replaces_the_one_before),
		cmocka_unit_test(a_list_is_changed_where_it_has_to_be),
		cmocka_unit_test(limits_of_a_list),
		cmocka_unit_test(nothing_stands_behind_a_nul),
		cmocka_unit_test(a_retired_key_is_good_for_what_there_was),
		cmocka_unit_test(a_list_names_the_version_of_its_release),
	};

	return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
