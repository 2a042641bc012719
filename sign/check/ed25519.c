/* SPDX-License-Identifier: MIT */
#include "sign/check/ed25519.h"

#include <assert.h>
#include <openssl/evp.h>

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
		return error_set(err, ERR_IO, "libcrypto failed to verify an Ed25519 signature");
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
