/* SPDX-License-Identifier: MIT */
#include "sign/check/ed25519.h"

#include "base/strbuf.h"
#include "sign/check/sshsig.h"
#include "sign/check/wire.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

static void
pkey_freep(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void
md_context_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

int
ed25519_verify(const struct public_key *key, const void *bytes, size_t length,
	       const uint8_t signature[SIGNATURE_SIZE], struct error *err)
{
	AUTO(pkey_freep)
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, PUBLIC_KEY_SIZE);
	AUTO(md_context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	int valid;

	/* Any 32 bytes are a key up to here. */
	if (pkey == NULL || context == NULL ||
	    EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) != 1)
		return error_set(err, ERR_IO, "libcrypto cannot verify Ed25519 signatures");
	/* 1 is the one value that means yes: 0 is a wrong signature, less than 0 an error. */
	valid = EVP_DigestVerify(context, signature, SIGNATURE_SIZE, bytes, length);
	if (valid < 0)
		return error_set(err, ERR_IO, "libcrypto failed at an Ed25519 signature");
	if (valid != 1)
		return error_set(err, ERR_VERIFY, "the signature does not verify");
	return 0;
}

static void
digest_with(const EVP_MD *method, const void *bytes, size_t length, uint8_t *ret_hash,
	    unsigned int want)
{
	unsigned int size = 0;
	int done = EVP_Digest(bytes, length, ret_hash, &size, method, NULL);

	assert(done == 1 && size == want);
}

void
sha512_of(const void *bytes, size_t length, uint8_t ret_hash[SHA512_SIZE])
{
	digest_with(EVP_sha512(), bytes, length, ret_hash, SHA512_SIZE);
}

void
blake2b_of(const void *bytes, size_t length, uint8_t ret_hash[BLAKE2B_SIZE])
{
	digest_with(EVP_blake2b512(), bytes, length, ret_hash, BLAKE2B_SIZE);
}

static bool
starts_with(const uint8_t *bytes, size_t length, const char *prefix)
{
	size_t want = strlen(prefix);

	return length >= want && memcmp(bytes, prefix, want) == 0;
}

static bool
has_sshsig_shape(const uint8_t *bytes, size_t length)
{
	struct wire wire = {bytes, length}, after;
	const uint8_t *hash;
	size_t size;
	bool known = false;

	if (!starts_with(bytes, length, "SSHSIG"))
		return false;
	wire.bytes += 6;
	wire.left -= 6;
	for (int i = 0; i < SSHSIG_NAMESPACES && !known; i++) {
		after = wire;
		known = wire_get_text(&after, sshsig_namespace_name((enum sshsig_namespace)i));
	}
	return known && wire_get_text(&after, "") && wire_get_text(&after, "sha512") &&
	       wire_get_string(&after, &hash, &size) && size == SHA512_SIZE && after.left == 0;
}

/* The comment is one line of text; TAB is the only control character that minisign takes. */
static bool
has_comment_shape(const uint8_t *bytes, size_t length)
{
	if (length <= SIGNATURE_SIZE)
		return false;
	for (size_t i = SIGNATURE_SIZE; i < length; i++)
		if ((bytes[i] < 0x20 && bytes[i] != '\t') || bytes[i] == 0x7f)
			return false;
	return true;
}

/* "DSSEv1 28 application/vnd.in-toto+json LENGTH {" with the true length. */
static bool
has_dsse_shape(const uint8_t *bytes, size_t length)
{
	static const char head[] = "DSSEv1 28 application/vnd.in-toto+json ";
	size_t at = strlen(head), count = 0;

	if (!starts_with(bytes, length, head))
		return false;
	for (; at < length && bytes[at] >= '0' && bytes[at] <= '9' && count < length; at++)
		count = count * 10 + (size_t)(bytes[at] - '0');
	return at < length && bytes[at] == ' ' && count == length - at - 1 && count > 0 &&
	       bytes[at + 1] == '{';
}

bool
preimage_has_shape(enum preimage kind, const uint8_t *bytes, size_t length)
{
	switch (kind) {
	case PREIMAGE_SSHSIG:
		return has_sshsig_shape(bytes, length);
	case PREIMAGE_PREHASH:
		return length == BLAKE2B_SIZE;
	case PREIMAGE_COMMENT:
		return has_comment_shape(bytes, length);
	case PREIMAGE_DSSE:
		return has_dsse_shape(bytes, length);
	case PREIMAGE_SIMPLE:
		return starts_with(bytes, length,
				   "{\"critical\":{\"identity\":{\"docker-reference\":\"");
	}
	return false;
}

int
preimage_sign(const struct signer *signer, enum preimage kind, const uint8_t *bytes, size_t length,
	      uint8_t ret_signature[SIGNATURE_SIZE], struct error *err)
{
	uint8_t signature[SIGNATURE_SIZE];
	char have[FINGERPRINT_SIZE], want[FINGERPRINT_SIZE];

	assert(preimage_has_shape(kind, bytes, length));
	if (signing_key_use(signer->key, bytes, length, signature, err) < 0)
		return -1;
	if (ed25519_verify(&signer->published, bytes, length, signature, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY,
				 "the signature of key %s does not verify with the "
				 "published key %s",
				 public_key_fingerprint(signing_key_public(signer->key), have),
				 public_key_fingerprint(&signer->published, want));
	}
	memcpy(ret_signature, signature, SIGNATURE_SIZE);
	return 0;
}
