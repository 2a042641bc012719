/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/seen_files.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file of one byte that can be changed without a trace: a page that is dirty keeps its times. */
struct fixture {
	struct seen_files *seen;
	char *directory, *path;
	char *byte;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	int fd;

	f->seen = seen_files_new();
	f->directory = scratch_directory();
	f->path = path_join(f->directory, "file");
	fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(pwrite(fd, "a", 1, 0), 1);
	f->byte = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(f->byte != MAP_FAILED);
	*f->byte = 'a';
	assert_int_equal(close(fd), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(munmap(f->byte, 1), 0);
	seen_files_free(f->seen);
	scratch_remove(f->directory);
	free(f->directory);
	free(f->path);
	free(f);
	return 0;
}

/* Until changes of now have another time than those of before. */
static void
let_time_pass(void)
{
	const struct timespec pause = {.tv_nsec = 60 * 1000 * 1000};

	assert_int_equal(nanosleep(&pause, NULL), 0);
}

static void
assert_digest(struct seen_files *seen, const char *path, const char *text)
{
	struct digest got, wanted;
	struct error err = ERROR_INIT;
	uint64_t size;

	assert_ok(seen_digest(seen, path, &got, &size, &err), err);
	digest_of(text, strlen(text), &wanted);
	assert_true(digest_equal(&got, &wanted));
	assert_int_equal(size, strlen(text));
}

static void
assert_text(struct seen_files *seen, const char *path, const char *wanted)
{
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;
	size_t length;

	assert_ok(seen_read(seen, path, 100, &text, &length, &err), err);
	assert_string_equal(text, wanted);
	assert_int_equal(length, strlen(wanted));
}

static void
what_stays_the_same_is_read_once(void **state)
{
	const struct fixture *f = *state;

	let_time_pass();
	assert_digest(f->seen, f->path, "a");
	*f->byte = 'b';
	assert_digest(f->seen, f->path, "a");
	/* Only its digest was asked for until now. */
	assert_text(f->seen, f->path, "b");
	*f->byte = 'c';
	assert_text(f->seen, f->path, "b");
	assert_true(seen_is(f->seen, f->path, "b"));
	assert_false(seen_is(f->seen, f->path, "c"));
}

static void
a_text_that_was_read_has_a_digest(void **state)
{
	const struct fixture *f = *state;

	let_time_pass();
	assert_text(f->seen, f->path, "a");
	*f->byte = 'b';
	assert_digest(f->seen, f->path, "a");
}

static void
another_name_is_the_same_file(void **state)
{
	const struct fixture *f = *state;
	auto_free char *other = path_join(f->directory, "other");

	assert_int_equal(link(f->path, other), 0);
	let_time_pass();
	assert_digest(f->seen, f->path, "a");
	*f->byte = 'b';
	assert_digest(f->seen, other, "a");
}

static void
nobody_who_brings_no_list_is_told(void **state)
{
	const struct fixture *f = *state;

	let_time_pass();
	assert_digest(f->seen, f->path, "a");
	assert_text(f->seen, f->path, "a");
	*f->byte = 'b';
	assert_digest(NULL, f->path, "b");
	assert_text(NULL, f->path, "b");
}

static void
what_is_as_young_as_the_clock_is_read_again(void **state)
{
	const struct fixture *f = *state;
	auto_free char *path = path_join(f->directory, "new");
	struct error err = ERROR_INIT;

	for (char text[] = "a"; text[0] <= 'z'; text[0]++) {
		assert_ok(write_file(path, text, 1, 0644, &err), err);
		assert_digest(f->seen, path, text);
		assert_text(f->seen, path, text);
	}
}

static void
a_change_is_seen(void **state)
{
	const struct fixture *f = *state;
	const struct timespec old[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

	/* Its time of change gives away who hides that of modification. */
	for (char text[] = "a"; text[0] <= 'e'; text[0]++) {
		int fd = open(f->path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(pwrite(fd, text, 1, 0), 1);
		assert_int_equal(futimens(fd, old), 0);
		assert_int_equal(close(fd), 0);
		let_time_pass();
		assert_digest(f->seen, f->path, text);
		assert_text(f->seen, f->path, text);
	}
}

static void
a_file_that_was_replaced_is_read_again(void **state)
{
	const struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct digest digest;

	let_time_pass();
	assert_digest(f->seen, f->path, "a");
	assert_ok(write_file(f->path, "b", 1, 0644, &err), err);
	assert_digest(f->seen, f->path, "b");
	assert_text(f->seen, f->path, "b");
	assert_int_equal(unlink(f->path), 0);
	assert_refused(seen_digest(f->seen, f->path, &digest, NULL, &err), err, ERR_NOT_FOUND,
		       f->path);
	assert_int_equal(symlink("other", f->path), 0);
	assert_refused(seen_digest(f->seen, f->path, &digest, NULL, &err), err, ERR_INPUT,
		       "not a regular file");
}

static void
a_longer_text_than_allowed_is_refused(void **state)
{
	const struct fixture *f = *state;
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;

	let_time_pass();
	assert_text(f->seen, f->path, "a");
	assert_refused(seen_read(f->seen, f->path, 0, &text, NULL, &err), err, ERR_INPUT,
		       "at most 0 are allowed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_stays_the_same_is_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_text_that_was_read_has_a_digest, setup, teardown),
		cmocka_unit_test_setup_teardown(another_name_is_the_same_file, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_who_brings_no_list_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_as_young_as_the_clock_is_read_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_change_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_was_replaced_is_read_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_longer_text_than_allowed_is_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
