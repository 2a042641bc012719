/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/file.h"
#include "sign/make/secret.h"
#include "tests/support/scratch.h"

#include <unistd.h>

/* execve() takes any strings: a name may be there twice, and a longer one begin like it. */
static void
a_variable_is_wiped_wherever_it_is(void **state)
{
	char first[] = "NAME=one", other[] = "NAMES=two", second[] = "NAME=three";
	char *made[] = {first, other, second, NULL}, **kept = environ;
	AUTO(secret_clear) struct secret secret = SECRET_INIT;
	struct error err = ERROR_INIT;
	int result;

	(void)state;
	environ = made;
	result = secret_take_environment("NAME", &secret, &err);
	environ = kept;
	assert_ok(result, err);
	assert_string_equal(secret.bytes, "one");
	assert_memory_equal(first, "NAME=\0\0\0", sizeof(first));
	assert_memory_equal(second, "NAME=\0\0\0\0\0", sizeof(second));
	assert_string_equal(other, "NAMES=two");
}

static void
secrets_are_refused_rather_than_cut(void **state)
{
	auto_free char *directory = scratch_directory(), *path = path_join(directory, "secret");
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_file(path, "0123456789", 10, 0600, &err), err);
	for (size_t max = 9; max <= 11; max++) {
		AUTO(secret_clear) struct secret text = SECRET_INIT, again = SECRET_INIT;
		int result = secret_read_file(path, max, &text, &err), ends[2];

		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], "0123456789", 10), 10);
		assert_int_equal(close(ends[1]), 0);
		if (max < 10) {
			assert_refused(result, err, ERR_INPUT, "at most 9 bytes are allowed");
			assert_refused(secret_read_fd(ends[0], max, &again, &err), err, ERR_INPUT,
				       "at most 9 bytes are allowed");
			assert_null(text.bytes);
			continue;
		}
		assert_ok(result, err);
		assert_string_equal(text.bytes, "0123456789");
		assert_ok(secret_read_fd(ends[0], max, &again, &err), err);
		assert_string_equal(again.bytes, "0123456789");
	}
	scratch_remove(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_variable_is_wiped_wherever_it_is),
		cmocka_unit_test(secrets_are_refused_rather_than_cut),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
