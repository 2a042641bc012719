/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The primitives below the typed signers: for the sources of sign/ and their tests only.
 */

#ifndef DIST_SIGN_INTERNAL
#error "sign/check/ed25519.h is internal: sign through sshsig.h, minisig.h, dsse.h or simple_signing.h"
#endif

#include "sign/make/key.h"

#define SHA512_SIZE  64
#define BLAKE2B_SIZE 64

/*
 * What may be signed. Each kind has a preimage that no honest output of another kind can be:
 *
 *   SSHSIG    "SSHSIG", string namespace (one of ours), string "", string "sha512", string [64]
 *   PREHASH   64 bytes of BLAKE2b-512
 *   COMMENT   64 bytes of signature, then a trusted comment
 *   DSSE      "DSSEv1 28 application/vnd.in-toto+json LENGTH {"
 *   SIMPLE    {"critical":{"identity":{"docker-reference":"
 */
enum preimage {
	PREIMAGE_SSHSIG,
	PREIMAGE_PREHASH,
	PREIMAGE_COMMENT,
	PREIMAGE_DSSE,
	PREIMAGE_SIMPLE
};

/* Whether the bytes have the shape of this kind. */
bool preimage_has_shape(enum preimage kind, const uint8_t *bytes, size_t length);

/*
 * Signs one preimage, whose shape is asserted, and verifies the signature with the public key
 * from the repository. ERR_VERIFY when that is not the key that signed.
 */
int preimage_sign(const struct signer *signer, enum preimage kind, const uint8_t *bytes,
		  size_t length, uint8_t ret_signature[SIGNATURE_SIZE], struct error *err) CHECKED;

/*
 * 0 only for a valid signature. ERR_VERIFY, for which the caller has a better sentence; ERR_IO if
 * libcrypto cannot verify at all, which says nothing about the signature.
 */
int ed25519_verify(const struct public_key *key, const void *bytes, size_t length,
		   const uint8_t signature[SIGNATURE_SIZE], struct error *err) CHECKED;

void sha512_of(const void *bytes, size_t length, uint8_t ret_hash[SHA512_SIZE]);
void blake2b_of(const void *bytes, size_t length, uint8_t ret_hash[BLAKE2B_SIZE]);

/*
 * The one place that turns a key into a signature; defined beside the key, which it alone can
 * open. Called by preimage_sign() only.
 */
int signing_key_use(const struct signing_key *key, const uint8_t *preimage, size_t length,
		    uint8_t ret_signature[SIGNATURE_SIZE], struct error *err) CHECKED;

/* A key from its 32 secret bytes. */
int signing_key_from_seed(const uint8_t seed[32], struct signing_key **ret_key,
			  struct error *err) CHECKED;
