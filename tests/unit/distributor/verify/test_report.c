/* SPDX-License-Identifier: MIT */
/* What a report of checks comes to: the one failure that decides, and rows that are never lost. */

#include "distributor/verify/verify.h"

#include "base/alloc.h"
#include "tests/support/test.h"

static void
add_failure(struct verify_report *report, enum error_code code, const char *sentence)
{
	struct error err = ERROR_INIT;

	(void)error_set(&err, code, "%s", sentence);
	verify_fail(report, "files", &err);
}

static void
a_report_without_failures_is_good(void **state)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	verify_note(&report, "files", VERIFY_OK, "%d files", 3);
	verify_note(&report, "minisign", VERIFY_SKIPPED, "none");
	assert_int_equal(verify_report_conclude(&report, &err), 0);
	assert_int_equal(report.count, 2);
	assert_int_equal(report.failed, 0);
	assert_string_equal(report.rows[0].sentence, "3 files");
}

static void
one_failure_among_good_ones_decides(void **state)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	verify_note(&report, "signature", VERIFY_OK, "good");
	add_failure(&report, ERR_VERIFY, "other bytes");
	verify_note(&report, "files", VERIFY_OK, "good");
	assert_refused(verify_report_conclude(&report, &err), err, ERR_VERIFY, "other bytes");
	assert_int_equal(report.failed, 1);
}

/* Of two failures, in either order, which code ends the command. */
static void
the_gravest_kind_decides_in_either_order(void **state)
{
	static const struct {
		enum error_code graver, lighter;
	} rows[] = {
		{ERR_INTERRUPTED, ERR_VERIFY}, {ERR_VERIFY, ERR_IO},      {ERR_VERIFY, ERR_DENIED},
		{ERR_VERIFY, ERR_NETWORK},     {ERR_VERIFY, ERR_REMOTE},  {ERR_DENIED, ERR_NETWORK},
		{ERR_DENIED, ERR_REMOTE},      {ERR_REMOTE, ERR_NETWORK}, {ERR_IO, ERR_DENIED},
		{ERR_IO, ERR_REMOTE},          {ERR_IO, ERR_NETWORK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int turned = 0; turned < 2; turned++) {
			AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
			struct error err = ERROR_INIT;

			add_failure(&report, turned ? rows[i].graver : rows[i].lighter, "one");
			add_failure(&report, turned ? rows[i].lighter : rows[i].graver, "two");
			assert_refused(verify_report_conclude(&report, &err), err, rows[i].graver,
				       turned ? "one" : "two");
		}
	}
}

static void
what_is_missing_or_malformed_is_about_the_release(void **state)
{
	static const enum error_code codes[] = {ERR_NOT_FOUND, ERR_INPUT};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
		struct error err = ERROR_INIT;

		add_failure(&report, ERR_NETWORK, "unreachable");
		add_failure(&report, codes[i], "malformed");
		assert_refused(verify_report_conclude(&report, &err), err, ERR_VERIFY, "malformed");
	}
}

static void
the_first_of_its_kind_speaks(void **state)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add_failure(&report, ERR_VERIFY, "the first");
	add_failure(&report, ERR_VERIFY, "the second");
	assert_refused(verify_report_conclude(&report, &err), err, ERR_VERIFY, "the first");
	assert_int_equal(report.failed, 2);
}

static void
a_clear_report_is_empty_again(void **state)
{
	struct verify_report report = VERIFY_REPORT_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add_failure(&report, ERR_VERIFY, "x");
	report.tag = xstrdup("v1");
	verify_report_clear(&report);
	assert_int_equal(report.count, 0);
	assert_int_equal(report.failed, 0);
	assert_null(report.tag);
	assert_int_equal(verify_report_conclude(&report, &err), 0);
	verify_report_clear(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_without_failures_is_good),
		cmocka_unit_test(one_failure_among_good_ones_decides),
		cmocka_unit_test(the_gravest_kind_decides_in_either_order),
		cmocka_unit_test(what_is_missing_or_malformed_is_about_the_release),
		cmocka_unit_test(the_first_of_its_kind_speaks),
		cmocka_unit_test(a_clear_report_is_empty_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
