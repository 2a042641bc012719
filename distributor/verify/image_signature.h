/* SPDX-License-Identifier: MIT */
#pragma once

/* Checks the signatures of an image. */

#include "images/signature.h"
#include "sign/check/keyring.h"

/*
 * Looks for a signature over this digest under this reference by a key that may sign releases. A
 * reference without tag ("ghcr.io/owner/repo") stands for all tags of its repository. ERR_VERIFY
 * with the reason: missing, by a different key, for a different image or name. `ret_signer` is the
 * signer, borrowed from the keyring; it may be NULL.
 */
int image_check_signature(const struct signature_set *set, const struct digest *digest,
			  const char *reference, const struct keyring *keyring,
			  const struct keyring_entry **ret_signer, struct error *err) CHECKED;

/* The same for a sigstore bundle, which contains no names. */
int
image_check_bundle(const char *bundle, const struct digest *digest, const struct keyring *keyring,
		   const struct keyring_entry **ret_signer, struct error *err) CHECKED;
