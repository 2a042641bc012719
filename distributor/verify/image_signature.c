/* SPDX-License-Identifier: MIT */
#include "distributor/verify/image_signature.h"

#include "base/alloc.h"
#include "images/oci.h"
#include "images/reference.h"
#include "model/release_version.h"
#include "sign/check/dsse.h"
#include "sign/check/simple_signing.h"
#include "sign/check/statement.h"

#include <string.h>

/* The release that a reference with a tag is of, or NULL: "latest" is of none. */
static const char *
version_of_reference(const char *reference)
{
	const char *tag = strrchr(reference, ':');

	return tag != NULL ? release_version_at_end(tag + 1) : NULL;
}

/* Whether one key has signed, and may. Returns 1, 0 if the signature is not its, or -1. */
static int
check_by_key(const struct signature *signature, const struct keyring *keyring,
	     const struct public_key *key, struct simple_signing *ret_claim,
	     const struct keyring_entry **ret_signer, struct error *err)
{
	AUTO(simple_signing_clear) struct simple_signing claim = SIMPLE_SIGNING_INIT;

	if (simple_signing_check(signature->payload, strlen(signature->payload),
				 signature->signature, key, &claim, "the image's signature",
				 err) < 0)
		return err->code == ERR_IO ? -1 : 0; /* that it was not looked at is no answer */
	if (keyring_find_for(keyring, key, SSHSIG_FILE, version_of_reference(claim.reference),
			     "the image's signature", ret_signer, err) < 0)
		return -1;
	*ret_claim = claim;
	claim = (struct simple_signing)SIMPLE_SIGNING_INIT;
	return 1;
}

/* Reads a claim whose signature is by any key of the ring that may sign releases. */
static int
check_by_ring(const struct signature *signature, const struct keyring *keyring,
	      struct simple_signing *ret_claim, const struct keyring_entry **ret_signer,
	      struct error *err)
{
	int result = 0;

	/* A key that is revoked says so, and is not just one that nobody knows. */
	for (size_t i = 0; i < keyring->revoked_count && result == 0; i++)
		result = check_by_key(signature, keyring, &keyring->revoked[i], ret_claim,
				      ret_signer, err);
	for (size_t i = 0; i < keyring->count && result == 0; i++)
		result = check_by_key(signature, keyring, &keyring->entries[i].key, ret_claim,
				      ret_signer, err);
	if (result == 0)
		return error_set(err, ERR_VERIFY, "it is not signed by an allowed key");
	return result < 0 ? -1 : 0;
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

/* One signature by any key of the ring, over this image and under this name. */
static int
check_one(const struct signature *signature, const struct digest *digest, const char *reference,
	  const struct keyring *keyring, const struct keyring_entry **ret_signer, struct error *err)
{
	AUTO(simple_signing_clear) struct simple_signing claim = SIMPLE_SIGNING_INIT;
	char text[OCI_DIGEST_SIZE];

	if (check_by_ring(signature, keyring, &claim, ret_signer, err) < 0)
		return -1;
	if (!digest_equal(&claim.manifest, digest))
		return error_set(err, ERR_VERIFY,
				 "the signature of '%s' is for a different image, %s", reference,
				 oci_digest_text(&claim.manifest, text));
	if (!is_named(claim.reference, reference))
		return error_set(err, ERR_VERIFY, "the image was signed as '%s', not as '%s'",
				 claim.reference, reference);
	return 0;
}

int
image_check_signature(const struct signature_set *set, const struct digest *digest,
		      const char *reference, const struct keyring *keyring,
		      const struct keyring_entry **ret_signer, struct error *err)
{
	const struct keyring_entry *signer;

	error_set(err, ERR_VERIFY, "'%s' has no signature", reference);
	for (size_t i = 0; i < set->count; i++)
		if (check_one(&set->items[i], digest, reference, keyring, &signer, err) == 0) {
			if (ret_signer != NULL)
				*ret_signer = signer;
			return 0;
		}
	return -1;
}

static int
check_statement(const struct dsse *dsse, const struct digest *digest, struct error *err)
{
	AUTO(statement_clear) struct statement statement = STATEMENT_INIT;

	if (statement_parse(dsse->payload, dsse->payload_length, &statement, "the image's bundle",
			    err) < 0)
		return -1;
	if (strcmp(statement.predicate_type, PREDICATE_COSIGN) != 0)
		return error_set(err, ERR_VERIFY,
				 "the image's bundle has an unexpected predicate: '%s'",
				 statement.predicate_type);
	for (size_t i = 0; i < statement.subjects.count; i++)
		if (digest_equal(&statement.subjects.entries[i].sha256, digest))
			return 0;
	return error_set(err, ERR_VERIFY, "the image's bundle is for a different image");
}

static bool
bundle_names(const void *dsse, const struct public_key *key)
{
	return dsse_is_by(dsse, key);
}

int
image_check_bundle(const char *bundle, const struct digest *digest, const struct keyring *keyring,
		   const struct keyring_entry **ret_signer, struct error *err)
{
	AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
	const struct keyring_entry *entry;

	/* It says of no release that it is of it, so that a retired key signs none. */
	if (dsse_parse(bundle, strlen(bundle), &dsse, "the image's bundle", err) < 0 ||
	    keyring_find_named(keyring, bundle_names, &dsse, NULL, "the image's bundle", &entry,
			       err) < 0 ||
	    dsse_check(&dsse, &entry->key, "the image's bundle", err) < 0)
		return -1;
	if (check_statement(&dsse, digest, err) < 0)
		return -1;
	if (ret_signer != NULL)
		*ret_signer = entry;
	return 0;
}
