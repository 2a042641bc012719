/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ed25519 signing keys.
 *
 * There is no function here that signs: that is what the typed signers of sshsig_sign.h,
 * minisig_sign.h, dsse_sign.h and simple_signing_sign.h are for.
 */

#include "sign/check/public_key.h"
#include "sign/make/secret.h"

/* Opaque; the secret part lives in the secure heap and is wiped by signing_key_free(). */
struct signing_key;

#define SIGNING_KEY_MAX_FILE 8192

void signing_key_free(struct signing_key *key);
void signing_key_freep(struct signing_key **key); /* for AUTO() */

/* A new random key. ERR_IO when the system has no secure heap or no random numbers. */
int signing_key_generate(struct signing_key **ret_key, struct error *err) CHECKED;

/*
 * Reads PKCS#8: PEM, PEM protected by a passphrase, or one line with the base64 of the DER.
 * `passphrase` may be NULL; a protected key then is ERR_INPUT, see signing_key_needs_passphrase().
 * `name` is for messages, which never show a part of the text.
 */
int signing_key_parse(const struct secret *text, const struct secret *passphrase,
		      struct signing_key **ret_key, const char *name, struct error *err) CHECKED;
bool signing_key_needs_passphrase(const struct secret *text);

const struct public_key *signing_key_public(const struct signing_key *key);

enum signing_key_form {
	SIGNING_KEY_PEM,  /* PKCS#8 PEM, protected if there is a passphrase */
	SIGNING_KEY_LINE, /* base64 of the PKCS#8 DER in one line of 64 characters */
};

/*
 * The key as a text of this form. `passphrase` is for SIGNING_KEY_PEM only and may be NULL.
 * ERR_IO, ERR_INPUT (an empty passphrase).
 */
int signing_key_format(const struct signing_key *key, enum signing_key_form form,
		       const struct secret *passphrase, struct secret *ret_text,
		       struct error *err) CHECKED;

/*
 * Writes such a text to a new file of mode 0600, durably: content, then name. A file of that name
 * is never replaced: ERR_INPUT. ERR_IO; if the directory could not be synced, the file is there.
 */
int signing_key_write(const char *path, const struct secret *text, struct error *err) CHECKED;

/* Who signs, and the public key from the repository that every signature has to match. */
struct signer {
	const struct signing_key *key;
	struct public_key published;
};
