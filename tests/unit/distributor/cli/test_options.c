/* SPDX-License-Identifier: MIT */
/* Command lines over a table of options: what is taken, and which sentence refuses the rest. */

#include "distributor/cli/options.h"

#include "base/alloc.h"
#include "tests/support/test.h"

enum { WORDS_MAX = 12 };

struct values {
	bool all, keep;
	const char *out, *output;
	uint64_t jobs;
	struct text_list hosts;
};

/* Parses the words after the command's name. */
static int
parse(struct values *values, const char *line, char ***ret_argv, struct error *err)
{
	const struct option_spec table[] = {
		{"all", 'a', NULL, OPTION_FLAG, &values->all, ""},
		{"keep", 'k', NULL, OPTION_FLAG, &values->keep, ""},
		{"out", 'o', "DIR", OPTION_TEXT, &values->out, ""},
		{"output-format", '\0', "table|json", OPTION_TEXT, &values->output, ""},
		{"jobs", 'j', "N", OPTION_NUMBER, &values->jobs, ""},
		{"host", '\0', "HOST", OPTION_LIST, &values->hosts, ""},
		{.name = NULL},
	};
	static char copy[256];
	static char *argv[WORDS_MAX + 1];
	char *rest = copy;
	int argc = 0;

	(void)snprintf(copy, sizeof(copy), "command %s", line);
	while ((argv[argc] = strsep(&rest, " ")) != NULL)
		argc += *argv[argc] != '\0';
	if (ret_argv != NULL)
		*ret_argv = argv;
	return options_parse(table, argc, argv, err);
}

static void
options_and_operands_stand_in_any_order(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;
	char **argv;

	(void)state;
	assert_int_equal(parse(&values, "one --out DIR two -j 3 --all three", &argv, &err), 3);
	assert_string_equal(argv[1], "one");
	assert_string_equal(argv[2], "two");
	assert_string_equal(argv[3], "three");
	assert_null(argv[4]);
	assert_string_equal(values.out, "DIR");
	assert_int_equal(values.jobs, 3);
	assert_true(values.all);
}

static void
letters_may_share_a_word(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&values, "-akj7", NULL, &err), 0);
	assert_true(values.all && values.keep);
	assert_int_equal(values.jobs, 7);
}

static void
an_argument_may_follow_an_equals_sign(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&values, "--jobs=12 --out=a=b", NULL, &err), 0);
	assert_int_equal(values.jobs, 12);
	assert_string_equal(values.out, "a=b");
}

static void
the_last_of_two_counts_and_a_list_keeps_all(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&values, "--out a --host x86_64 --out b --host aarch64", NULL, &err),
			 0);
	assert_string_equal(values.out, "b");
	assert_int_equal(values.hosts.count, 2);
	assert_string_equal(values.hosts.items[0], "x86_64");
	assert_string_equal(values.hosts.items[1], "aarch64");
	text_list_clear(&values.hosts);
	assert_null(values.hosts.items);
}

static void
two_dashes_end_the_options(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;
	char **argv;

	(void)state;
	assert_int_equal(parse(&values, "--all -- --keep", &argv, &err), 1);
	assert_string_equal(argv[1], "--keep");
	assert_true(values.all);
	assert_false(values.keep);
}

static void
a_beginning_that_one_option_has_is_that_option(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&values, "--jo 4 --output json", NULL, &err), 0);
	assert_int_equal(values.jobs, 4);
	assert_string_equal(values.output, "json");
	/* The whole name of one is not the beginning of another. */
	assert_int_equal(parse(&values, "--out x", NULL, &err), 0);
	assert_string_equal(values.out, "x");
}

static void
whatever_is_refused_is_named(void **state)
{
	static const struct {
		const char *line, *part;
	} rows[] = {
		{"--al=yes", "'--all'"},
		{"--all=yes", "'--all'"},
		{"--ou x", "'--out' or '--output-format'"},
		{"--jbos 3", "'--jobs'"},
		{"--zzzzzz", "'--zzzzzz'"},
		{"-z", "'-z'"},
		{"-az", "'-z'"},
		{"--jobs", "'--jobs'"},
		{"-j", "'-j'"},
		{"--jobs many", "'many'"},
		{"--jobs -1", "'-1'"},
		{"--jobs 3x", "'3x'"},
		{"--jobs 99999999999999999999", "'99999999999999999999'"},
		{"--out=", "--out"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct values values = {.jobs = 5};
		struct error err = ERROR_INIT;

		assert_refused(parse(&values, rows[i].line, NULL, &err), err, ERR_USAGE,
			       rows[i].part);
		assert_int_equal(values.jobs, 5);
		assert_null(values.out);
	}
}

static void
a_table_is_parsed_afresh_each_time(void **state)
{
	struct values values = {.jobs = 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(parse(&values, "-az", NULL, &err), err, ERR_USAGE, "-z");
	assert_int_equal(parse(&values, "-k one", NULL, &err), 1);
	assert_true(values.keep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_operands_stand_in_any_order),
		cmocka_unit_test(letters_may_share_a_word),
		cmocka_unit_test(an_argument_may_follow_an_equals_sign),
		cmocka_unit_test(the_last_of_two_counts_and_a_list_keeps_all),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(a_beginning_that_one_option_has_is_that_option),
		cmocka_unit_test(whatever_is_refused_is_named),
		cmocka_unit_test(a_table_is_parsed_afresh_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
