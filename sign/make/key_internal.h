/* SPDX-License-Identifier: MIT */
#pragma once

/* The secret part of a key at work: for sign/make/preimage.c only. */

#ifndef DIST_SIGN_INTERNAL
#error "sign/make/key_internal.h is internal: see sign/make/preimage.h"
#endif

#include "sign/make/key.h"

/*
 * The one place that turns a key into a signature; defined beside the key, which it alone can
 * open. Called by preimage_sign() only.
 */
int signing_key_use(const struct signing_key *key, const uint8_t *preimage, size_t length,
		    uint8_t ret_signature[SIGNATURE_SIZE], struct error *err) CHECKED;
