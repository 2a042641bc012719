/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes minisign signatures, prehashed, byte for byte as `minisign -S` does.
 */

#include "sign/make/key.h"

/*
 * Signs a SHA256SUMS, which is checked to be one. `trusted_comment` is one line of UTF-8 with no
 * control characters but TAB, which the signature covers too. The text is to be freed by the
 * caller. ERR_INPUT, ERR_VERIFY (see struct signer).
 */
int minisig_sign_sums(const struct signer *signer, const char *text, size_t length,
		      const char *trusted_comment, char **ret_text, struct error *err) CHECKED;
