/* SPDX-License-Identifier: MIT */
/* Where a run works: one run at a time in OUT, the registrars, and the one time of everything. */

#include "distributor/workspace/epoch.h"
#include "distributor/workspace/out_claim.h"
#include "distributor/workspace/registrars.h"
#include "distributor/workspace/workspace.h"

#include "base/alloc.h"
#include "base/file.h"
#include "matrix/lock.h"
#include "tests/support/scratch.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <unistd.h>

static void
a_second_run_is_refused_until_the_first_has_ended(void **state)
{
	auto_free char *scratch = scratch_directory();
	auto_free char *out = path_join(scratch, "new/out");
	struct error err = ERROR_INIT;
	int first = out_claim(out, false, &err);

	(void)state;
	assert_true(first >= 0);
	assert_refused(out_claim(out, false, &err), err, ERR_BUSY, out);
	(void)close(first);
	first = out_claim(out, false, &err);
	assert_true(first >= 0);
	(void)close(first);
	scratch_remove(scratch);
}

static void
two_directories_are_claimed_at_once(void **state)
{
	auto_free char *scratch = scratch_directory();
	auto_free char *a = path_join(scratch, "a"), *b = path_join(scratch, "b");
	struct error err = ERROR_INIT;
	int first = out_claim(a, false, &err), second = out_claim(b, false, &err);

	(void)state;
	assert_true(first >= 0 && second >= 0);
	(void)close(first);
	(void)close(second);
	scratch_remove(scratch);
}

static void
a_file_is_no_place_for_results(void **state)
{
	auto_free char *scratch = scratch_directory();
	auto_free char *out = path_join(scratch, "out");
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_file(out, "x", 1, 0644, &err), err);
	assert_refused(out_claim(out, false, &err), err, ERR_INPUT, out);
	scratch_remove(scratch);
}

static void
the_time_is_that_of_the_lock_without_a_variable(void **state)
{
	struct error err = ERROR_INIT;
	int64_t sec = 0;

	(void)state;
	(void)unsetenv("SOURCE_DATE_EPOCH");
	assert_ok(source_date_epoch_or(1700000000, &sec, &err), err);
	assert_int_equal(sec, 1700000000);
	(void)setenv("SOURCE_DATE_EPOCH", "", 1);
	assert_ok(source_date_epoch_or(1700000001, &sec, &err), err);
	assert_int_equal(sec, 1700000001);
	(void)unsetenv("SOURCE_DATE_EPOCH");
}

static void
the_variable_comes_before_the_lock(void **state)
{
	static const struct {
		const char *text;
		int64_t sec;
	} rows[] = {{"0", 0}, {"1", 1}, {"0017", 17}, {"8589934591", 8589934591}};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t sec = -1;

		(void)setenv("SOURCE_DATE_EPOCH", rows[i].text, 1);
		assert_ok(source_date_epoch_or(5, &sec, &err), err);
		assert_int_equal(sec, rows[i].sec);
	}
	(void)unsetenv("SOURCE_DATE_EPOCH");
}

static void
a_variable_that_is_no_time_is_refused(void **state)
{
	static const char *const rows[] = {
		"-1", "+1", " 1", "1 ", "now", "1.5", "0x10", "8589934592", "99999999999999999999"};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t sec = 7;

		(void)setenv("SOURCE_DATE_EPOCH", rows[i], 1);
		assert_refused(source_date_epoch_or(5, &sec, &err), err, ERR_USAGE, rows[i]);
		assert_int_equal(sec, 7);
	}
	(void)unsetenv("SOURCE_DATE_EPOCH");
}

static void
a_time_of_others_that_no_tarball_can_have_is_refused(void **state)
{
	static const int64_t rows[] = {-1, INT64_C(0x200000000), INT64_MAX, INT64_MIN};
	struct error err = ERROR_INIT;

	(void)state;
	(void)unsetenv("SOURCE_DATE_EPOCH");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lock lock = {.source_date_epoch = rows[i]};
		struct workspace locked = {.lock = &lock};
		struct workspace again = {.lock = &lock, .made_again = true, .epoch_sec = rows[i]};
		int64_t sec = 7;

		assert_refused(workspace_epoch(&locked, &sec, &err), err, ERR_INPUT,
			       "source_date_epoch");
		assert_refused(workspace_epoch(&again, &sec, &err), err, ERR_INPUT,
			       "source_date_epoch");
		assert_int_equal(sec, 7);
	}
}

static void
a_release_that_is_made_again_keeps_its_time(void **state)
{
	struct lock lock = {.source_date_epoch = 5};
	struct workspace work = {.lock = &lock, .made_again = true, .epoch_sec = 1700000000};
	struct error err = ERROR_INIT;
	int64_t sec = 0;

	(void)state;
	(void)setenv("SOURCE_DATE_EPOCH", "9", 1);
	assert_ok(workspace_epoch(&work, &sec, &err), err);
	assert_int_equal(sec, 1700000000);
	work.made_again = false;
	assert_ok(workspace_epoch(&work, &sec, &err), err);
	assert_int_equal(sec, 9);
	(void)unsetenv("SOURCE_DATE_EPOCH");
	assert_ok(workspace_epoch(&work, &sec, &err), err);
	assert_int_equal(sec, 5);
}

static void
a_registrar_is_found_by_its_host(void **state)
{
	auto_free char *scratch = scratch_directory();
	auto_free char *wanted = path_join(scratch, "register-s390x"), *path = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_file(wanted, "x", 1, 0755, &err), err);
	assert_ok(registrar_find(scratch, arch_find("s390x"), &path, &err), err);
	assert_string_equal(path, wanted);
	scratch_remove(scratch);
}

static void
a_missing_registrar_names_what_makes_it(void **state)
{
	auto_free char *scratch = scratch_directory();
	char *path = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(registrar_find(scratch, arch_find("ppc64le"), &path, &err), err, ERR_INPUT,
		       "gcc-powerpc64le-linux-gnu");
	assert_non_null(strstr(err.message, "ppc64le"));
	assert_non_null(strstr(err.message, "--registrars"));
	assert_null(path);
	scratch_remove(scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_run_is_refused_until_the_first_has_ended),
		cmocka_unit_test(two_directories_are_claimed_at_once),
		cmocka_unit_test(a_file_is_no_place_for_results),
		cmocka_unit_test(the_time_is_that_of_the_lock_without_a_variable),
		cmocka_unit_test(the_variable_comes_before_the_lock),
		cmocka_unit_test(a_variable_that_is_no_time_is_refused),
		cmocka_unit_test(a_time_of_others_that_no_tarball_can_have_is_refused),
		cmocka_unit_test(a_release_that_is_made_again_keeps_its_time),
		cmocka_unit_test(a_registrar_is_found_by_its_host),
		cmocka_unit_test(a_missing_registrar_names_what_makes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
