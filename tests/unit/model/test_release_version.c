/* SPDX-License-Identifier: MIT */
/* Versions of releases, their order, and which release becomes the latest. */

#include "model/release_version.h"

#include "base/alloc.h"
#include "tests/support/test.h"

static void
a_version_has_numbers_and_a_number_of_ours(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{"10.2.2-1", true},     {"10.2-1", true},     {"10.3.0-rc1-1", true},
		{"10.3-rc4-2", true},   {"10.2.2", false},    {"", false},
		{"-1", false},          {"10.2.2-", false},   {"10.2.2-1-1", false},
		{"v10.2.2-1", false},   {"10.2.2-a", false},  {"10..2-1", false},
		{"10.2.2-rc-1", false}, {"10.2.2-1 ", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (release_version_is_valid(rows[i].text) != rows[i].good)
			fail_msg("'%s' should%s be a version", rows[i].text,
				 rows[i].good ? "" : " not");
}

static void
versions_have_one_order(void **state)
{
	/* Each older than the next. */
	static const char *const rows[] = {
		"9.2.4-9",      "10.0-1",       "10.0.1-1", "10.0.1-2",  "10.0.1-10",
		"10.2.0-rc1-1", "10.2.0-rc4-1", "10.2.0-1", "10.10.0-1", "11.0.0-1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rows); j++) {
			int got = release_version_compare(rows[i], rows[j]);

			if ((got > 0) - (got < 0) != (i > j) - (i < j))
				fail_msg("%s against %s is %d", rows[i], rows[j], got);
		}
}

static void
two_numbers_are_those_with_a_zero(void **state)
{
	(void)state;
	assert_int_equal(release_version_compare("10.2-1", "10.2.0-1"), 0);
	/* Two tags are never the same. */
	assert_int_not_equal(release_tag_compare("v10.2-1", "v10.2.0-1"), 0);
	assert_int_equal(release_tag_compare("v10.2-1", "v10.2.0-1") > 0,
			 release_tag_compare("v10.2.0-1", "v10.2-1") < 0);
}

static void
the_newer_takes_latest_and_a_candidate_does_not(void **state)
{
	static const struct {
		const char *tag, *latest;
		bool takes;
	} rows[] = {
		{"v10.2.2-1", NULL, true},
		{"v10.2.2-1", "v10.2.1-1", true},
		{"v10.2.2-2", "v10.2.2-1", true},
		{"v10.2.2-1", "v10.2.2-1", true},
		{"v10.2.2-1", "v10.2.2-2", false},
		{"v9.2.0-1", "v10.2.2-1", false},
		{"v11.0.0-rc1-1", "v10.2.2-1", false},
		{"v11.0.0-rc2-1", "v11.0.0-rc1-1", true},
		{"v11.0.0-1", "v11.0.0-rc3-1", true},
		{"v10.2.2-1", "nightly", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (release_tag_takes_latest(rows[i].tag, rows[i].latest) != rows[i].takes)
			fail_msg("%s after %s should%s be the latest", rows[i].tag,
				 rows[i].latest != NULL ? rows[i].latest : "nothing",
				 rows[i].takes ? "" : " not");
}

static void
a_version_is_found_at_the_end_of_a_name(void **state)
{
	static const struct {
		const char *name, *version;
	} rows[] = {
		{"x86_64-aarch64-10.2.2-1", "10.2.2-1"},
		{"10.2.2-1", "10.2.2-1"},
		{"latest", NULL},
		{"register-10.3.0-rc1-1", "10.3.0-rc1-1"},
		{"x-1", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = release_version_at_end(rows[i].name);

		if (rows[i].version == NULL)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].version);
	}
}

static void
tags_of_releases_begin_with_v_and_a_digit(void **state)
{
	(void)state;
	assert_true(release_tag_is_version("v10.2.2-1"));
	assert_true(release_tag_is_version("v1"));
	assert_false(release_tag_is_version("version"));
	assert_false(release_tag_is_version("10.2.2-1"));
	assert_false(release_tag_is_version("v"));
	assert_false(release_tag_is_version(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_has_numbers_and_a_number_of_ours),
		cmocka_unit_test(versions_have_one_order),
		cmocka_unit_test(two_numbers_are_those_with_a_zero),
		cmocka_unit_test(the_newer_takes_latest_and_a_candidate_does_not),
		cmocka_unit_test(a_version_is_found_at_the_end_of_a_name),
		cmocka_unit_test(tags_of_releases_begin_with_v_and_a_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
