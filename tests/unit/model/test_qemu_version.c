/* SPDX-License-Identifier: MIT */
/* model/qemu_version.c: one spelling of QEMU's versions. */

#include "tests/support/test.h"

#include "model/qemu_version.h"

static void
candidates_have_one_spelling(void **state)
{
	static const struct {
		const char *version, *plain;
		bool valid;
	} rows[] = {
		{"10.2.2", "10.2.2", true},
		{"10.2", "10.2", true},
		{"10.2.50", "10.2.50", true}, /* between releases */
		{"10.1-rc3", "10.1-rc3", true},
		{"10.1-rc0", "10.1-rc0", true},
		{"10.0.93", "10.1-rc3", false},
		{"10.0.90", "10.1-rc0", false},
		{"9.2.91", "10.0-rc1", false},
		{"3.0.94", "3.1-rc4", false},
		{"2.12.90", "2.13-rc0", false}, /* before years were counted */
		{"10.1.0-rc3", "10.1-rc3", false},
		{"10.1.0~rc3", "10.1-rc3", false},
		{"10.1~rc3", "10.1-rc3", false},
		{"10.1rc3", "10.1-rc3", false},
		{"10.1.1-rc3", "10.1.1-rc3", false},
		{"10.1-rc", "10.1-rc", false},
		{"10.1-rc10", "10.1-rc10", false},
		{"10.1-rc3-1", "10.1-rc3-1", false},
		{"10.1-rc03", "10.1-rc03", false},
		{"10.0.93.1", "10.0.93.1", true},
		{"10.0.089", "10.0.089", true},
		{"10", "10", false},
		{"10.", "10.", false},
		{".1", ".1", false},
		{"10..1", "10..1", false},
		{"10.1.0~git", "10.1.0~git", false},
		{"", "", false},
		{"99999.0.93", "99999.0.93", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *plain = qemu_version_plain(rows[i].version);

		if (strcmp(plain, rows[i].plain) != 0)
			fail_msg("'%s' is '%s', not '%s'", rows[i].version, plain, rows[i].plain);
		if (qemu_version_is_valid(rows[i].version) != rows[i].valid)
			fail_msg("'%s' is valid: %d", rows[i].version, !rows[i].valid);
	}
}

static void
a_stated_version_may_leave_the_patch_level_open(void **state)
{
	static const struct {
		const char *stated, *version;
		bool matches;
	} rows[] = {
		{"10.2.2", "10.2.2", true},     {"10.2", "10.2.2", true},
		{"10.2", "10.2", true},         {"10.2", "10.20.1", false},
		{"10.2.2", "10.2", false},      {"10.2.2", "10.2.21", false},
		{"10.1-rc3", "10.1-rc3", true}, {"10.1", "10.1-rc3", false},
		{"10.1-rc3", "10.1", false},    {"10.1-rc3", "10.1-rc3.1", false},
		{"10.0", "10.1-rc3", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (qemu_version_matches(rows[i].stated, rows[i].version) != rows[i].matches)
			fail_msg("'%s' and '%s': %d", rows[i].stated, rows[i].version,
				 !rows[i].matches);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_have_one_spelling),
		cmocka_unit_test(a_stated_version_may_leave_the_patch_level_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
