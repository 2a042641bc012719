#include "tests/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "publish/git_internal.h"
#include "publish/git_tag.h"
#include "tests/scratch.h"

#include <unistd.h>

/* Names below a directory that stands in for all that is before them, and what is expected. */
static void
test_path_inside(void **state)
{
	static const struct {
		const char *root, *path, *inside;
	} rows[] = {
		{"repo", "repo/m.json", "m.json"},
		{"repo", "repo/matrix/m.json", "matrix/m.json"},
		{"repo/", "repo/matrix/m.json", "matrix/m.json"},
		{"repo", "repo/matrix/../m.json", "m.json"},
		{"repo", "repo/gone.json", "gone.json"},
		{"repo", "link/m.json", "matrix/m.json"},
		{"link", "repo/matrix/m.json", "m.json"},
		{"repo", "repo2/m.json", NULL},
		{"repo", "m.json", NULL},
		{"repo", "nowhere/m.json", NULL},
		{"nowhere", "repo/m.json", NULL},
	};
	auto_free char *top = scratch_directory();
	auto_free char *matrix = path_join(top, "repo/matrix"), *other = path_join(top, "repo2");
	auto_free char *link = path_join(top, "link");
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(make_directories(matrix, &err), err);
	assert_ok(make_directories(other, &err), err);
	assert_int_equal(symlink(matrix, link), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *root = path_join(top, rows[i].root);
		auto_free char *path = path_join(top, rows[i].path);
		auto_free char *inside = repo_path_inside(root, path);

		if (rows[i].inside == NULL ? inside != NULL
					   : inside == NULL || strcmp(inside, rows[i].inside) != 0)
			fail_msg("'%s' in '%s': '%s'", rows[i].path, rows[i].root,
				 inside != NULL ? inside : "(none)");
	}
	scratch_remove(top);
}

/* A machine whose whole file system is in one repository. */
static void
test_path_inside_of_all(void **state)
{
	static const struct {
		const char *path, *inside;
	} rows[] = {
		{"/m.json", "m.json"},
		{"/dev/m.json", "dev/m.json"},
		{"/dev/../m.json", "m.json"},
		{"/nowhere/m.json", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *inside = repo_path_inside("/", rows[i].path);

		if (rows[i].inside == NULL)
			assert_null(inside);
		else if (inside == NULL || strcmp(inside, rows[i].inside) != 0)
			fail_msg("'%s': '%s'", rows[i].path, inside != NULL ? inside : "(none)");
	}
}

/* Which tags are versions before this one: "changes since" is about the last of them. */
static void
test_earlier_versions(void **state)
{
	static const struct {
		const char *other, *name;
		bool before;
	} rows[] = {
		{"v0.9-1", "v1.0-1", true},
		{"v0", "v1", true},
		{"v9.2-1", "v10.0-1", true},
		{"v10.0-1", "v10.0-2", true},
		{"v10.0-9", "v10.0-10", true},
		{"v10.0-1", "v10.0-1", false},
		{"v10.0-2", "v10.0-1", false},
		{"/1", "v1", false},
		{"v/1", "v1", false},
		{"v:1", "va", false},
		{"v", "v1", false},
		{"10.0-1", "v11.0-1", false},
		{"V1", "v2", false},
		{"vendor", "v1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (repo_is_before(rows[i].other, rows[i].name) != rows[i].before)
			fail_msg("%s before %s", rows[i].other, rows[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_inside),
		cmocka_unit_test(test_path_inside_of_all),
		cmocka_unit_test(test_earlier_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
