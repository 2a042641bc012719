/* SPDX-License-Identifier: MIT */
#pragma once

/* Uses the secret part of a key; for sign/make/preimage.c only. */

#ifndef DIST_SIGN_INTERNAL
#error "sign/make/key_internal.h is internal: see sign/make/preimage.h"
#endif

#include "sign/make/key.h"

/*
 * The only function that signs with a key; defined beside the key, whose struct is private. Called
 * by preimage_sign() only.
 */
int signing_key_use(const struct signing_key *key, const uint8_t *preimage, size_t length,
		    uint8_t ret_signature[SIGNATURE_SIZE], struct error *err) CHECKED;
