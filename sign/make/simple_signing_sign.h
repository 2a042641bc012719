/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes cosign's simple signatures of images.
 */

#include "base/digest.h"
#include "sign/make/key.h"

/*
 * Signs "`reference` is the manifest `manifest`". `reference` is a registry, a repository and a
 * tag, as in "ghcr.io/owner/name:v1". Both results are to be freed by the caller; the signature
 * is in base64. ERR_INPUT (the reference), ERR_VERIFY (see struct signer).
 */
int simple_signing_sign(const struct signer *signer, const char *reference,
			const struct digest *manifest, char **ret_payload, char **ret_signature,
			struct error *err) CHECKED;
