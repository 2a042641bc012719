/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes minisign signatures, prehashed, byte for byte as `minisign -S` does.
 */

#include "sign/make/key.h"

/*
 * Signs a SHA256SUMS after checking its format. `trusted_comment` is one line of UTF-8 without
 * control characters other than TAB; the signature covers it, too. The text is to be freed by the
 * caller. ERR_INPUT, ERR_VERIFY (see struct signer).
 */
int minisig_sign_sums(const struct signer *signer, const char *text, size_t length,
		      const char *trusted_comment, char **ret_text, struct error *err) CHECKED;
