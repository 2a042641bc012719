/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/cleanup.h"
#include "base/process.h"
#include "sources/debian/deb_version.h"

#include <stdlib.h>

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

static void
versions_sort_as_policy_says(void **state)
{
	/* Each is older than the next. */
	static const char *const rising[] = {
		"1.0~~",
		"1.0~~a",
		"1.0~",
		"1.0~rc1-1",
		"1.0-1",
		"1.0-1+b1",
		"1.0-1.1",
		"1.0a-1",
		"1.0+ds-1",
		"1.0.1-1",
		"1:0.1",
		"1:7.2+dfsg-7+deb12u18",
		"1:7.2+dfsg-7+deb12u18+b3",
		"1:7.2+dfsg-7+deb12u19",
		"1:10.0.2+ds-2+deb13u1",
		"1:10.0.13+ds-0+deb13u1",
		"1:10.2.2+ds-1",
		"1:11.1.2+ds-3",
		"1:11.1.3+ds-1",
		"2:0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rising); j++) {
			int wanted = (i > j) - (i < j);

			if (sign(deb_version_compare(rising[i], rising[j])) != wanted)
				fail_msg("%s and %s", rising[i], rising[j]);
		}
	assert_int_equal(deb_version_compare("1.0", "0:1.0"), 0);
	assert_int_equal(deb_version_compare("1.0", "1.0-0"), 0);
	assert_int_equal(deb_version_compare("1.00", "1.0"), 0);
	assert_int_equal(deb_version_compare("1.0-1", "1.0-01"), 0);
	assert_true(deb_version_compare("99999999999999999998", "99999999999999999999") < 0);
}

static void
dpkg_agrees(void **state)
{
	static const char *const words[] = {
		"0",      "1",     "01",   "1.0",   "1.0~",  "1.0~a",   "1.0a", "1.0+",   "1.0+b1",
		"1.0-1",  "1.0-0", "1:0",  "0:1",   "1.0-~", "1.0.~1",  "1a1",  "1A1",    "1.0-1a",
		"1.0--1", "10.0",  "9.99", "1.0-a", "1.0+~", "1.0~~-1", "1..0", "1.0-1+", "2:1.0-1",
	};
	AUTO(process_result_clear) struct process_result probe = PROCESS_RESULT_INIT;
	static const char *const version[] = {"dpkg", "--version", NULL};
	struct process_request request = {.argv = version};
	struct error err = ERROR_INIT;

	(void)state;
	if (process_run(&request, &probe, &err) < 0)
		skip_because("no dpkg here to compare with");
	/* One shell loop, so that the table costs one process of ours and not thousands. */
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		static const char script[] =
			"a=$1; shift; for b; do if dpkg --compare-versions \"$a\" lt \"$b\"; then "
			"printf -; elif dpkg --compare-versions \"$a\" eq \"$b\"; then printf 0; "
			"else printf +; fi; done 2>/dev/null";
		const char *argv[ARRAY_SIZE(words) + 6] = {"sh", "-c", script, "sh", words[i]};
		AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;

		memcpy(&argv[5], words, sizeof(words));
		request = (struct process_request){.argv = argv};
		assert_ok(process_run(&request, &result, &err), err);
		assert_int_equal(result.length, ARRAY_SIZE(words));
		for (size_t j = 0; j < ARRAY_SIZE(words); j++)
			if ("-0+"[sign(deb_version_compare(words[i], words[j])) + 1] !=
			    result.output[j])
				fail_msg("%s and %s: dpkg says %c", words[i], words[j],
					 result.output[j]);
	}
}

static void
upstream_is_qemus_own_number(void **state)
{
	static const struct {
		const char *version, *upstream;
	} rows[] = {
		{"1:10.0.13+ds-0+deb13u1", "10.0.13"}, {"1:7.2+dfsg-7+deb12u18+b3", "7.2"},
		{"1:8.2.2+ds-0ubuntu1.4", "8.2.2"},    {"1:10.1.0~rc1+ds-1", "10.1.0~rc1"},
		{"2:10.2.2-1.fc44", "10.2.2"},         {"7.2", "7.2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *upstream = deb_version_upstream(rows[i].version);

		assert_string_equal(upstream, rows[i].upstream);
		free(upstream);
	}
}

static void
what_is_no_version_is_refused(void **state)
{
	static const struct {
		const char *version, *wanted;
	} rows[] = {
		{"", "does not begin with a digit"},
		{"abc", "does not begin with a digit"},
		{":1", "epoch"},
		{"x:1", "epoch"},
		{"1:", "does not begin with a digit"},
		{"1.0-", "empty revision"},
		{"1 0", "an invalid character"},
		{"1.0/../x", "an invalid character"},
		{"1.0-1;id", "an invalid character"},
		{"1.0_1", "an invalid character"},
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(deb_version_check(rows[i].version, &err), err, ERR_INPUT,
			       rows[i].wanted);
	assert_ok(deb_version_check("1:7.2+dfsg-7+deb12u18+b3", &err), err);
	assert_ok(deb_version_check("1.0~rc1", &err), err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_sort_as_policy_says),
		cmocka_unit_test(dpkg_agrees),
		cmocka_unit_test(upstream_is_qemus_own_number),
		cmocka_unit_test(what_is_no_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
