#include "distributor/image_check.h"

#include "base/alloc.h"
#include "images/oci.h"
#include "images/reference.h"
#include "sign/dsse.h"
#include "sign/simple_signing.h"
#include "sign/statement.h"

#include <string.h>

/* Reads a claim whose signature is by any key of the ring that may sign releases. */
static int
check_by_ring(const struct signature *signature, const struct keyring *keyring,
	      struct simple_signing *ret_claim, struct error *err)
{
	const struct keyring_entry *entry;
	int result = error_set(err, ERR_VERIFY, "no key may sign releases");

	for (size_t i = 0; i < keyring->count; i++) {
		const struct public_key *key = &keyring->entries[i].key;

		if (keyring_find(keyring, key, SSHSIG_FILE, "the image", &entry, err) < 0)
			continue;
		result = simple_signing_check(signature->payload, strlen(signature->payload),
					      signature->signature, key, ret_claim,
					      "the image's signature", err);
		if (result == 0)
			return 0;
	}
	return result;
}

/* Without a tag the repository is wanted: then the digest alone says which of its images. */
static bool
is_named(const char *claimed, const char *wanted)
{
	size_t length = strlen(wanted);
	bool has_tag = strchr(strrchr(wanted, '/'), ':') != NULL;

	if (has_tag)
		return strcmp(claimed, wanted) == 0;
	return strncmp(claimed, wanted, length) == 0 && claimed[length] == ':' &&
	       reference_tag_is_valid(claimed + length + 1);
}

int
image_check_signature(const struct signature_set *set, const struct digest *digest,
		      const char *reference, const struct keyring *keyring, struct error *err)
{
	int result = error_set(err, ERR_VERIFY, "'%s' has no signature", reference);

	for (size_t i = 0; i < set->count; i++) {
		AUTO(simple_signing_release) struct simple_signing claim = SIMPLE_SIGNING_INIT;
		char text[OCI_DIGEST_SIZE];

		if (check_by_ring(&set->items[i], keyring, &claim, err) < 0)
			continue;
		if (!digest_equal(&claim.manifest, digest))
			result = error_set(err, ERR_VERIFY,
					   "the signature of '%s' is over another image, %s",
					   reference, oci_digest_text(&claim.manifest, text));
		else if (!is_named(claim.reference, reference))
			result = error_set(err, ERR_VERIFY,
					   "the image was signed as '%s', not as '%s'",
					   claim.reference, reference);
		else
			return 0;
	}
	return result;
}

static int
check_statement(const struct dsse *dsse, const struct digest *digest, struct error *err)
{
	AUTO(statement_release) struct statement statement = STATEMENT_INIT;

	if (statement_parse(dsse->payload, dsse->payload_length, &statement, "the image's bundle",
			    err) < 0)
		return -1;
	if (strcmp(statement.predicate_type, PREDICATE_COSIGN) != 0)
		return error_set(err, ERR_VERIFY, "the image's bundle claims something else: '%s'",
				 statement.predicate_type);
	for (size_t i = 0; i < statement.subjects.count; i++)
		if (digest_equal(&statement.subjects.entries[i].sha256, digest))
			return 0;
	return error_set(err, ERR_VERIFY, "the image's bundle is over another image");
}

int
image_check_bundle(const char *bundle, const struct digest *digest, const struct keyring *keyring,
		   struct error *err)
{
	AUTO(dsse_release) struct dsse dsse = DSSE_INIT;
	const struct keyring_entry *entry;

	if (dsse_parse(bundle, strlen(bundle), &dsse, "the image's bundle", err) < 0)
		return -1;
	for (size_t i = 0; i < keyring->count; i++) {
		const struct public_key *key = &keyring->entries[i].key;

		if (!dsse_is_by(&dsse, key))
			continue;
		if (keyring_find(keyring, key, SSHSIG_FILE, "the image's bundle", &entry, err) <
			    0 ||
		    dsse_check(&dsse, key, "the image's bundle", err) < 0)
			return -1;
		return check_statement(&dsse, digest, err);
	}
	return error_set(err, ERR_VERIFY, "the image's bundle is by a key that is not allowed");
}
