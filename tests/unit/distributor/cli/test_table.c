/* SPDX-License-Identifier: MIT */
/* Small tables as text and as Markdown, to the blank. */

#include "distributor/cli/table.h"

#include "base/alloc.h"
#include "tests/support/test.h"

static const char *const headers[] = {"host", "size>", "what"};

static struct table *
make(void)
{
	struct table *table = table_new(headers, ARRAY_SIZE(headers));

	table_add(table, "x86_64");
	table_addf(table, "%d", 7);
	table_add(table, "a sentence");
	table_add(table, "arm");
	table_addf(table, "%d", 1234567);
	table_add(table, "");
	return table;
}

static void
a_text_has_columns_without_blanks_at_the_end(void **state)
{
	AUTO(table_freep) struct table *table = make();
	auto_free char *text = table_format(table, TABLE_TEXT);

	(void)state;
	assert_string_equal(text, "host       size  what\n"
				  "------  -------  ----------\n"
				  "x86_64        7  a sentence\n"
				  "arm     1234567  \n");
}

static void
markdown_says_which_column_goes_right(void **state)
{
	AUTO(table_freep) struct table *table = make();
	auto_free char *text = table_format(table, TABLE_MARKDOWN);

	(void)state;
	assert_string_equal(text, "| host   |    size | what       |\n"
				  "| ------ | ------: | ---------- |\n"
				  "| x86_64 |       7 | a sentence |\n"
				  "| arm    | 1234567 |            |\n");
}

static void
letters_of_several_bytes_take_one_column(void **state)
{
	static const char *const two[] = {"a", "b"};
	AUTO(table_freep) struct table *table = table_new(two, 2);
	auto_free char *text = NULL;

	(void)state;
	table_add(table, "\xc3\xbc\xc3\xbc");
	table_add(table, "x");
	table_add(table, "uuu");
	table_add(table, "y");
	text = table_format(table, TABLE_TEXT);
	assert_string_equal(text, "a    b\n---  -\n\xc3\xbc\xc3\xbc   x\nuuu  y\n");
}

static void
control_characters_do_not_reach_a_terminal(void **state)
{
	static const char *const one[] = {"a"};
	AUTO(table_freep) struct table *table = table_new(one, 1);
	auto_free char *text = NULL;

	(void)state;
	table_add(table, "x\x1b[31m\ny");
	text = table_format(table, TABLE_TEXT);
	assert_null(strchr(text, '\x1b'));
	/* Header, rule, and one row. */
	assert_int_equal(strchr(strchr(strchr(text, '\n') + 1, '\n') + 1, '\n')[1], '\0');
}

static void
the_rule_of_a_long_last_column_ends_with_the_screen(void **state)
{
	static const char *const two[] = {"a", "b"};
	AUTO(table_freep) struct table *table = table_new(two, 2);
	auto_free char *text = NULL;
	char line[201];

	(void)state;
	memset(line, 'w', 200);
	line[200] = '\0';
	table_add(table, "1");
	table_add(table, line);
	text = table_format(table, TABLE_TEXT);
	assert_true(strcspn(strchr(text, '\n') + 1, "\n") <= 80);
	assert_non_null(strstr(text, line));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_has_columns_without_blanks_at_the_end),
		cmocka_unit_test(markdown_says_which_column_goes_right),
		cmocka_unit_test(letters_of_several_bytes_take_one_column),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
		cmocka_unit_test(the_rule_of_a_long_last_column_ends_with_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
