/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The primitives below the signature readers; private to sign/.
 */

#ifndef DIST_SIGN_INTERNAL
#error "sign/check/ed25519.h is internal: check through sshsig.h, minisig.h, dsse.h or simple_signing.h"
#endif

#include "sign/check/public_key.h"

#define SHA512_SIZE  64
#define BLAKE2B_SIZE 64

/*
 * 0 only for a valid signature. ERR_VERIFY, for which the caller has a better message; ERR_IO if
 * libcrypto cannot verify at all: the signature may be valid.
 */
int ed25519_verify(const struct public_key *key, const void *bytes, size_t length,
		   const uint8_t signature[SIGNATURE_SIZE], struct error *err) CHECKED;

void sha512_of(const void *bytes, size_t length, uint8_t ret_hash[SHA512_SIZE]);
void blake2b_of(const void *bytes, size_t length, uint8_t ret_hash[BLAKE2B_SIZE]);
