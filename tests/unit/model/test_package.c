/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "model/package.h"

#include <string.h>

/* In the order of the lock: each row is the next greater one by one field; NULL is empty. */
static const struct {
	const char *host, *source, *name, *file;
} rows[] = {
	{"aarch64", NULL, "b", "b"},     {"aarch64", "debs", NULL, "b"},
	{"aarch64", "debs", "a", NULL},  {"aarch64", "debs", "a", "a"},
	{"aarch64", "debs", "a", "b"},   {"aarch64", "debs", "b", "a"},
	{"aarch64", "fedora", "a", "a"}, {"x86_64", "debs", "a", "a"},
};

static char *
copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* From every order that begins elsewhere, and forwards and backwards. */
static void
packages_are_sorted(void **state)
{
	(void)state;
	for (size_t start = 0; start < 2 * ARRAY_SIZE(rows); start++) {
		AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			size_t at = (start + (start % 2 == 0 ? i : ARRAY_SIZE(rows) - i)) %
				    ARRAY_SIZE(rows);
			struct package *package = package_list_add(&list);

			package->host = copy(rows[at].host);
			package->source = copy(rows[at].source);
			package->name = copy(rows[at].name);
			package->file = copy(rows[at].file);
		}
		package_list_sort(&list);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			assert_true(is_same(list.items[i].host, rows[i].host));
			assert_true(is_same(list.items[i].source, rows[i].source));
			assert_true(is_same(list.items[i].name, rows[i].name));
			assert_true(is_same(list.items[i].file, rows[i].file));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
