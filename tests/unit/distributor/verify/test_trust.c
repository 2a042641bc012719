/* SPDX-License-Identifier: MIT */
/* Whose keys `verify` believes: only what was named, and the error shows each way to name it. */

#include "distributor/verify/trust.h"

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/scratch.h"
#include "tests/support/test.h"

static void
nobody_is_believed_without_a_name(void **state)
{
	const struct verify_trust trust = {NULL, NULL, NULL};
	struct keyring keyring = KEYRING_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(verify_trust_load(&trust, &keyring, &err), err, ERR_USAGE, "--keys");
	assert_non_null(strstr(err.message, "--root"));
	assert_non_null(strstr(err.message, "--repo"));
	assert_int_equal(keyring.count, 0);
}

static void
a_root_is_a_fingerprint(void **state)
{
	static const char *const rows[] = {"", "abc", "sha256:x", "MD5:00:11", "keys/root.pub"};
	struct keyring keyring = KEYRING_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct verify_trust trust = {"data/sign", rows[i], NULL};

		assert_refused(verify_trust_load(&trust, &keyring, &err), err, ERR_USAGE,
			       "SHA256:");
	}
}

static void
a_directory_without_a_list_is_an_error(void **state)
{
	auto_free char *scratch = scratch_directory();
	const struct verify_trust trust = {scratch, NULL, NULL};
	struct keyring keyring = KEYRING_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(verify_trust_load(&trust, &keyring, &err), err, ERR_NOT_FOUND, scratch);
	scratch_remove(scratch);
}

static void
the_clone_itself_leads_to_its_keys(void **state)
{
	auto_free char *scratch = scratch_directory();
	auto_free char *keys = path_join(scratch, "keys"),
		       *list = path_join(keys, "allowed_signers");
	const struct verify_trust trust = {scratch, NULL, NULL};
	struct keyring keyring = KEYRING_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(make_directories(keys, &err), err);
	assert_ok(write_file(list, "", 0, 0644, &err), err);
	assert_refused(verify_trust_load(&trust, &keyring, &err), err, ERR_NOT_FOUND, keys);
	scratch_remove(scratch);
}

static void
the_file_with_the_list_leads_to_its_directory(void **state)
{
	const struct verify_trust trust = {"data/sign/allowed_signers", NULL, NULL};
	struct keyring keyring = KEYRING_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(verify_trust_load(&trust, &keyring, &err), err, ERR_INPUT,
		       "--keys data/sign");
}

static void
named_keys_come_before_those_of_a_clone(void **state)
{
	auto_free char *scratch = scratch_directory(), *text = NULL;
	auto_free char *list = path_join(scratch, "allowed_signers");
	const struct verify_trust trust = {scratch, NULL, "/no/such/clone"};
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	struct error err = ERROR_INIT;
	size_t length;

	(void)state;
	assert_ok(read_file("data/sign/allowed_signers", 1 << 16, &text, &length, &err), err);
	assert_ok(write_file(list, text, length, 0644, &err), err);
	assert_ok(verify_trust_load(&trust, &keyring, &err), err);
	assert_true(keyring.count != 0);
	scratch_remove(scratch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_believed_without_a_name),
		cmocka_unit_test(a_root_is_a_fingerprint),
		cmocka_unit_test(a_directory_without_a_list_is_an_error),
		cmocka_unit_test(the_clone_itself_leads_to_its_keys),
		cmocka_unit_test(the_file_with_the_list_leads_to_its_directory),
		cmocka_unit_test(named_keys_come_before_those_of_a_clone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
