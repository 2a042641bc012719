/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "distributor/documents/release.h"
#include "sign/check/dsse.h"
#include "sign/check/key_list.h"
#include "sign/check/minisig.h"
#include "sign/check/simple_signing.h"
#include "sign/check/sshsig.h"
#include "sign/check/statement.h"
#include "sign/check/sums.h"
#include "sign/check/tag_object.h"

#include <assert.h>
#include <string.h>

/*
 * Every reader of sign/ gets every input: the formats begin so differently that only one of them
 * gets far, and what one of them takes has to survive being checked.
 */
static const struct public_key key = {{1}};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
signatures(const char *text, size_t size)
{
	AUTO(minisig_clear) struct minisig minisig = MINISIG_INIT;
	AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
	AUTO(simple_signing_clear) struct simple_signing claim = SIMPLE_SIGNING_INIT;
	struct error err = ERROR_INIT;
	struct sshsig sshsig;

	if (sshsig_parse(text, size, &sshsig, "x", &err) == 0)
		(void)!sshsig_check(&sshsig, SSHSIG_FILE, text, size, "x", &err);
	if (minisig_parse(text, size, &minisig, "x", &err) == 0)
		(void)!minisig_check(&minisig, &key, text, size, "x", &err);
	if (dsse_parse(text, size, &dsse, "x", &err) == 0)
		(void)!dsse_check(&dsse, &key, "x", &err);
	(void)!simple_signing_check(text, size, "AAAA", &key, &claim, "x", &err);
}

/* A list stays one through every change, and has the first line that it was given. */
static void
key_list(const char *text, size_t size, enum keyring_role role)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT, changed = KEYRING_INIT;
	auto_free char *terminated = xstrndup(text, size), *stamped = NULL, *without = NULL;
	struct error err = ERROR_INIT;
	struct keyring_stamp stamp;

	if (keyring_parse(text, size, role, &keyring, "x", &err) < 0)
		return;
	stamped = key_list_with_stamp(terminated, role, 7, 0);
	assert(key_list_stamp(stamped, role, &stamp) && stamp.serial == 7);
	if (role != KEYRING_ALLOWED || keyring.count == 0)
		return;
	without = key_list_without(stamped, &keyring.entries[0].key, 1);
	if (keyring_parse(without, strlen(without), role, &changed, "x", &err) < 0)
		abort();
	for (size_t i = 0; i < changed.count; i++)
		assert(!public_key_equal(&changed.entries[i].key, &keyring.entries[0].key));
}

/* What is read and written again is the same text: there is one spelling. */
static void
lists(const char *text, size_t size)
{
	AUTO(sums_clear) struct sums sums = SUMS_INIT;
	struct error err = ERROR_INIT;

	if (sums_parse(text, size, &sums, "x", &err) == 0) {
		auto_free char *again = NULL;

		if (sums_format(&sums, &again, &err) < 0)
			abort();
		assert(strlen(again) == size && memcmp(again, text, size) == 0);
	}
	key_list(text, size, KEYRING_ALLOWED);
	key_list(text, size, KEYRING_REVOKED);
}

static void
documents(const char *text, size_t size)
{
	AUTO(statement_clear) struct statement statement = STATEMENT_INIT;
	AUTO(release_claim_clear) struct release_claim claim = RELEASE_CLAIM_INIT;
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
	auto_free char *terminated = xstrndup(text, size);
	struct error err = ERROR_INIT;
	struct public_key parsed;

	(void)!statement_parse(text, size, &statement, "x", &err);
	(void)!release_claim_parse(text, size, &claim, "x", &err);
	if (tag_object_parse(text, size, &tag, "x", &err) == 0)
		assert(tag.signed_size <= size && tag.message != NULL);
	(void)!public_key_parse(terminated, &parsed, "x", &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	signatures((const char *)bytes, size);
	lists((const char *)bytes, size);
	documents((const char *)bytes, size);
	return 0;
}
