/* SPDX-License-Identifier: MIT */
/* What a new lock may not do without a word: go back, or lose a pair. */

#include "distributor/steps/lock_downgrade.h"

#include "base/alloc.h"
#include "tests/support/test.h"

struct row {
	enum source_type type;
	const char *source, *name, *version, *file;
	int64_t signed_sec;
};

/* One package for x86_64 with the emulators of arm and s390x. */
static void
make_lock(const struct row *row, struct lock *ret_lock)
{
	struct package *package = package_list_add(&ret_lock->packages);

	package->type = row->type;
	package->source = xstrdup(row->source);
	package->host = xstrdup("x86_64");
	package->name = xstrdup(row->name);
	package->version = xstrdup(row->version);
	package->file = xstrdup(row->file != NULL ? row->file : "p");
	package->signed_sec = row->signed_sec;
	(void)package_add_member(package, "arm", "usr/bin/qemu-arm");
	(void)package_add_member(package, "s390x", "usr/bin/qemu-s390x");
}

static int
compare(const struct row *old, const struct row *fresh, const char *reason, struct error *err)
{
	AUTO(lock_clear) struct lock before = LOCK_INIT;
	AUTO(lock_clear) struct lock after = LOCK_INIT;

	make_lock(old, &before);
	make_lock(fresh, &after);
	return lock_refuse_downgrade(&before, &after, reason, err);
}

static const struct row base = {SOURCE_FEDORA, "fedora-44", "qemu", "2:10.2.2-1.fc44", NULL, 1000};

static void
the_same_and_the_newer_pass(void **state)
{
	struct error err = ERROR_INIT;
	struct row newer = base;

	(void)state;
	assert_ok(compare(&base, &base, NULL, &err), err);
	newer.version = "2:10.2.10-1.fc44";
	newer.signed_sec = 1001;
	assert_ok(compare(&base, &newer, NULL, &err), err);
}

static void
an_older_version_is_refused_with_both(void **state)
{
	struct error err = ERROR_INIT;
	struct row older = base;

	(void)state;
	older.version = "2:10.2.1-9.fc44";
	older.signed_sec = 2000;
	assert_refused(compare(&base, &older, NULL, &err), err, ERR_VERIFY, "2:10.2.1-9.fc44");
	assert_non_null(strstr(err.message, "2:10.2.2-1.fc44"));
	assert_non_null(strstr(err.message, "x86_64"));
	assert_non_null(strstr(err.message, "--allow-downgrade"));
}

static void
an_older_signature_is_refused_with_both_days(void **state)
{
	struct error err = ERROR_INIT;
	struct row older = base;

	(void)state;
	older.signed_sec = 999;
	assert_refused(compare(&base, &older, NULL, &err), err, ERR_VERIFY, "1970-01-01 00:16:39");
	assert_non_null(strstr(err.message, "1970-01-01 00:16:40"));
}

static void
a_reason_permits_either(void **state)
{
	struct error err = ERROR_INIT;
	struct row older = base;

	(void)state;
	older.version = "2:9.0.0-1.fc44";
	older.signed_sec = 1;
	assert_ok(compare(&base, &older, "the build is broken", &err), err);
}

static void
a_renamed_source_is_still_compared(void **state)
{
	struct error err = ERROR_INIT;
	struct row moved = base;

	(void)state;
	moved.source = "fedora-45";
	moved.version = "2:10.2.1-1.fc45";
	assert_refused(compare(&base, &moved, NULL, &err), err, ERR_VERIFY, "2:10.2.1-1.fc45");
}

static void
another_kind_of_source_begins_afresh(void **state)
{
	static const struct row debian = {SOURCE_APT,      "trixie", "qemu",
					  "1:10.0.2+ds-1", "q.deb",  1};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(compare(&base, &debian, NULL, &err), err);
}

static void
another_name_begins_afresh(void **state)
{
	struct error err = ERROR_INIT;
	struct row other = base;

	(void)state;
	other.name = "qemu-user-static-arm";
	other.version = "2:1.0-1";
	assert_ok(compare(&base, &other, NULL, &err), err);
}

/* "~" and letters are ordered differently by the two distributions. */
static void
versions_are_compared_as_their_distribution_does(void **state)
{
	static const struct {
		enum source_type type;
		const char *file, *older, *newer;
	} rows[] = {
		{SOURCE_FEDORA, "q.rpm", "2:10.2.0~rc1-1", "2:10.2.0-1"},
		{SOURCE_FEDORA, "q.rpm", "9:1-1", "10:1-1"},
		{SOURCE_APT, "q.deb", "1:10.2~rc1+ds-1", "1:10.2+ds-1"},
		{SOURCE_APT, "q.deb", "1:10.0.2+ds-2+deb13u9", "1:10.0.2+ds-2+deb13u10"},
		{SOURCE_DIRECTORY, "q.deb", "1.0+b1", "1.0+c1"},
		{SOURCE_DIRECTORY, "q.rpm", "1.0-1", "1.0-2"},
		/* RPM takes a letter for less than a number, Debian for less than a sign. */
		{SOURCE_FEDORA, "q.rpm", "1.a-1", "1.1-1"},
		{SOURCE_APT, "q.deb", "1a-1", "1+-1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct row older = {rows[i].type, "s", "q", rows[i].older, rows[i].file, 1};
		struct row newer = {rows[i].type, "s", "q", rows[i].newer, rows[i].file, 1};
		struct error err = ERROR_INIT;

		assert_ok(compare(&older, &newer, NULL, &err), err);
		assert_refused(compare(&newer, &older, NULL, &err), err, ERR_VERIFY, rows[i].older);
	}
}

static int
lose(const char *matrix_text, const char *kept, struct error *err)
{
	AUTO(lock_clear) struct lock before = LOCK_INIT;
	AUTO(lock_clear) struct lock after = LOCK_INIT;
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	struct package *package;

	make_lock(&base, &before);
	package = package_list_add(&after.packages);
	package->host = xstrdup("x86_64");
	if (kept != NULL)
		(void)package_add_member(package, kept, "p");
	assert_ok(matrix_parse("m.json", matrix_text, strlen(matrix_text), &matrix, err), *err);
	return lock_refuse_lost_pairs(&before, &after, &matrix, err);
}

#define MATRIX(more)                                                                               \
	"{\"name\": \"q\", \"version\": \"10.2.2-1\", \"sources\": {\"d\": {\"type\": "            \
	"\"directory\", \"path\": \"p\"}}, \"hosts\": {\"x86_64\": {\"source\": \"d\"}}" more "}"

static void
a_lost_pair_is_named_until_it_is_excluded(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(lose(MATRIX(", \"targets\": \"all\""), "arm", &err), err, ERR_INPUT,
		       "s390x");
	assert_non_null(strstr(err.message, "exclude"));
	assert_ok(lose(MATRIX(", \"targets\": \"all\", \"exclude\": [{\"from\": \"x86_64\", "
			      "\"to\": \"s390x\"}]"),
		       "arm", &err),
		  err);
}

static void
a_pair_that_nobody_asks_for_may_go(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(lose(MATRIX(", \"targets\": [\"arm\"]"), "arm", &err), err);
}

static void
every_pair_that_is_left_out_is_refused(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(lose(MATRIX(", \"targets\": \"all\""), NULL, &err), err, ERR_INPUT, "arm");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_and_the_newer_pass),
		cmocka_unit_test(an_older_version_is_refused_with_both),
		cmocka_unit_test(an_older_signature_is_refused_with_both_days),
		cmocka_unit_test(a_reason_permits_either),
		cmocka_unit_test(a_renamed_source_is_still_compared),
		cmocka_unit_test(another_kind_of_source_begins_afresh),
		cmocka_unit_test(another_name_begins_afresh),
		cmocka_unit_test(versions_are_compared_as_their_distribution_does),
		cmocka_unit_test(a_lost_pair_is_named_until_it_is_excluded),
		cmocka_unit_test(a_pair_that_nobody_asks_for_may_go),
		cmocka_unit_test(every_pair_that_is_left_out_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
