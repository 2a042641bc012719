/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ed25519 signing keys.
 *
 * No function here signs; the typed signers of sshsig_sign.h, minisig_sign.h, dsse_sign.h and
 * simple_signing_sign.h do.
 */

#include "sign/check/public_key.h"
#include "sign/make/secret.h"

/* Opaque; the secret part is in the secure heap and is wiped by signing_key_free(). */
struct signing_key;

#define SIGNING_KEY_MAX_FILE 8192

void signing_key_free(struct signing_key *key);
void signing_key_freep(struct signing_key **key); /* for AUTO() */

/* Generates a random key. ERR_IO when the system has no secure heap or no random numbers. */
int signing_key_generate(struct signing_key **ret_key, struct error *err) CHECKED;

/*
 * Reads PKCS#8: PEM, PEM protected by a passphrase, or one line with the base64 of the DER.
 * `passphrase` may be NULL; a protected key is then ERR_INPUT, see signing_key_needs_passphrase().
 * `name` is for messages, which never contain any of the text.
 */
int signing_key_parse(const struct secret *text, const struct secret *passphrase,
		      struct signing_key **ret_key, const char *name, struct error *err) CHECKED;
bool signing_key_needs_passphrase(const struct secret *text);

const struct public_key *signing_key_public(const struct signing_key *key);

enum signing_key_form {
	SIGNING_KEY_PEM,     /* PKCS#8 PEM, protected if there is a passphrase */
	SIGNING_KEY_LINE,    /* base64 of the PKCS#8 DER in one line of 64 characters */
	SIGNING_KEY_OPENSSH, /* what ssh-keygen and git use, without a passphrase */
};

/*
 * The key as text in this form. `passphrase` is for SIGNING_KEY_PEM only and may be NULL. ERR_IO,
 * ERR_INPUT (an empty passphrase).
 */
int signing_key_format(const struct signing_key *key, enum signing_key_form form,
		       const struct secret *passphrase, struct secret *ret_text,
		       struct error *err) CHECKED;

/*
 * Writes such a text to a new file of mode 0600, durably: content, then name. An existing file is
 * never replaced: ERR_INPUT. ERR_IO; if syncing the directory failed, the file exists.
 */
int signing_key_write(const char *path, const struct secret *text, struct error *err) CHECKED;

/* The signing key, and the public key from the repository that every signature must match. */
struct signer {
	const struct signing_key *key;
	struct public_key published;
};
