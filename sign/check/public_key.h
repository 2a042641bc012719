/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ed25519 public keys and their formats for verifiers.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PUBLIC_KEY_SIZE     32
#define SIGNATURE_SIZE      64
#define MINISIGN_ID_SIZE    8
#define FINGERPRINT_SIZE    64 /* "SHA256:", 43 characters, the terminator, and some room */
#define PUBLIC_KEY_MAX_TEXT 4096

struct public_key {
	uint8_t bytes[PUBLIC_KEY_SIZE];
};

bool public_key_equal(const struct public_key *a, const struct public_key *b);

/* "SHA256:..." as `ssh-keygen -lf` prints it. Returns `text`, for use in a printf() argument. */
char *public_key_fingerprint(const struct public_key *key, char text[FINGERPRINT_SIZE]);

/* Base64 of the SHA-256 of the SubjectPublicKeyInfo: the hint of a sigstore bundle. */
char *public_key_hint(const struct public_key *key) CHECKED;

/*
 * The number that minisign identifies a key by: the first bytes of SHA-256 of the key. minisign
 * accepts any number and does not authenticate it.
 */
void public_key_minisign_id(const struct public_key *key, uint8_t id[MINISIGN_ID_SIZE]);

/* Each format as text, to be freed by the caller; all end with a line end. */
char *public_key_ssh_line(const struct public_key *key, const char *comment) CHECKED;
char *public_key_minisign(const struct public_key *key) CHECKED;
char *public_key_pem(const struct public_key *key) CHECKED;

/* The base64 of the SSH form ("AAAAC3..."), and of the minisign form ("RW..."). */
char *public_key_ssh_base64(const struct public_key *key) CHECKED;
char *public_key_minisign_base64(const struct public_key *key) CHECKED;

/*
 * Readers for one format each; one key and nothing after it. ERR_INPUT with `name` in the message.
 */
int public_key_parse_ssh_blob(const uint8_t *bytes, size_t length, struct public_key *ret_key,
			      const char *name, struct error *err) CHECKED;
int public_key_parse_ssh_base64(const char *text, struct public_key *ret_key, const char *name,
				struct error *err) CHECKED;

/*
 * Reads a file's text in any of the three formats. It accepts the output of that format's tools,
 * one key and nothing after it, with LF or CR LF line ends. ERR_INPUT.
 */
int public_key_parse(const char *text, struct public_key *ret_key, const char *name,
		     struct error *err) CHECKED;
