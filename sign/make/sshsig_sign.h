/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes SSH signatures, byte for byte as `ssh-keygen -Y sign` does.
 *
 * Each document is parsed first, and refused if malformed: ERR_INPUT. ERR_VERIFY if the public key
 * of `signer` does not match the key that signed. The armored text is to be freed by the caller.
 */

#include "sign/make/key.h"

/* SHA256SUMS, in the namespace "file". */
int sshsig_sign_sums(const struct signer *signer, const char *text, size_t length,
		     char **ret_armour, struct error *err) CHECKED;

/* An annotated tag without a signature, in the namespace "git". */
int sshsig_sign_tag(const struct signer *signer, const char *text, size_t length, char **ret_armour,
		    struct error *err) CHECKED;

/* allowed_signers or revoked_keys, by the offline root key, in the namespace "keys". */
int sshsig_sign_keys(const struct signer *signer, const char *text, size_t length,
		     char **ret_armour, struct error *err) CHECKED;
