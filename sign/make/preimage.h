/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The only way to a signature, below the typed signers; private to sign/make/.
 */

#ifndef DIST_SIGN_INTERNAL
#error "sign/make/preimage.h is internal: sign through sshsig_sign.h, minisig_sign.h, dsse_sign.h or simple_signing_sign.h"
#endif

#include "sign/make/key.h"

/*
 * What may be signed. The preimage of each kind differs from every valid preimage of another kind:
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
 * Signs one preimage after asserting its shape, and verifies the signature with the public key from
 * the repository. ERR_VERIFY if the keys do not match.
 */
int preimage_sign(const struct signer *signer, enum preimage kind, const uint8_t *bytes,
		  size_t length, uint8_t ret_signature[SIGNATURE_SIZE], struct error *err) CHECKED;
