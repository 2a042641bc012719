/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/seen_files.h"
#include "publish/directory.h"
#include "tests/support/scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 3 };

static const char *const names[FILES] = {"SHA256SUMS", "a.tar.gz", "b.tar.gz"};

/* A release of three small files and a directory to publish it to. */
struct fixture {
	char *root, *to;
	struct seen_files *seen;
	struct publish_file files[FILES];
	char *paths[FILES];
	struct publication release;
	struct directory_target target;
	struct publish_result result;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	f->root = scratch_directory();
	f->to = path_join(f->root, "releases");
	f->seen = seen_files_new();
	for (size_t i = 0; i < FILES; i++) {
		f->paths[i] = path_join(f->root, names[i]);
		assert_ok(write_file(f->paths[i], names[i], strlen(names[i]), 0644, &err), err);
		f->files[i] = (struct publish_file){
			.name = names[i], .path = f->paths[i], .size = strlen(names[i])};
		digest_of(names[i], strlen(names[i]), &f->files[i].sha256);
	}
	f->release = (struct publication){
		.tag = "v1-1", .title = "v1-1", .body = "", .files = f->files, .count = FILES};
	f->target = (struct directory_target){.path = f->to, .seen = f->seen};
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	publish_result_clear(&f->result);
	for (size_t i = 0; i < FILES; i++)
		free(f->paths[i]);
	seen_files_free(f->seen);
	scratch_remove(f->root);
	free(f->root);
	free(f->to);
	free(f);
	return 0;
}

/* Until what was read is old enough to be remembered. */
static void
let_time_pass(void)
{
	const struct timespec pause = {.tv_nsec = 60 * 1000 * 1000};

	assert_int_equal(nanosleep(&pause, NULL), 0);
}

/* One byte, so that the size stays. */
static void
change(const struct fixture *f, const char *place, const char *name)
{
	auto_free char *path = xasprintf("%s/%s/%s", f->to, place, name);
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;
	size_t length;

	assert_ok(read_file(path, 100, &text, &length, &err), err);
	text[0] ^= 1;
	assert_ok(write_file(path, text, length, 0644, &err), err);
}

static void
a_release_is_published_and_kept(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	assert_ok(directory_prepare(&f->target, &f->release, &f->result, &err), err);
	assert_int_equal(f->result.uploaded, FILES);
	assert_ok(directory_publish(&f->target, &f->release, &f->result, &err), err);
	assert_true(f->result.published);
	publish_result_clear(&f->result);
	f->result = (struct publish_result)PUBLISH_RESULT_INIT;
	assert_ok(directory_prepare(&f->target, &f->release, &f->result, &err), err);
	assert_true(f->result.was_there);
	assert_int_equal(f->result.kept, FILES);
}

/* What was compared is not compared again, but for what has changed in between. */
static void
a_change_between_two_steps_is_found(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	assert_ok(directory_prepare(&f->target, &f->release, &f->result, &err), err);
	let_time_pass();
	publish_result_clear(&f->result);
	f->result = (struct publish_result)PUBLISH_RESULT_INIT;
	assert_ok(directory_prepare(&f->target, &f->release, &f->result, &err), err);
	change(f, ".v1-1.incomplete", "b.tar.gz");
	assert_refused(directory_publish(&f->target, &f->release, &f->result, &err), err,
		       ERR_VERIFY, "'b.tar.gz': sha256 is ");
}

static void
a_published_file_that_changed_is_found(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	assert_ok(directory_prepare(&f->target, &f->release, &f->result, &err), err);
	assert_ok(directory_publish(&f->target, &f->release, &f->result, &err), err);
	let_time_pass();
	assert_ok(directory_publish(&f->target, &f->release, &f->result, &err), err);
	change(f, "v1-1", "a.tar.gz");
	assert_refused(directory_publish(&f->target, &f->release, &f->result, &err), err,
		       ERR_VERIFY, "reading it back failed: 'a.tar.gz': sha256 is ");
}

/* The source may change as well, after its digest was taken. */
static void
a_file_that_arrives_changed_is_not_published(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	auto_free char *path = path_join(f->to, "v1-1");

	assert_ok(write_file(f->paths[1], "b.tar.gz", 8, 0644, &err), err);
	assert_refused(directory_prepare(&f->target, &f->release, &f->result, &err), err,
		       ERR_VERIFY, "'a.tar.gz': sha256 is ");
	assert_int_equal(access(path, F_OK), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_release_is_published_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_between_two_steps_is_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_published_file_that_changed_is_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_that_arrives_changed_is_not_published, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
