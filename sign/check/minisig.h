/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * minisign signatures, prehashed.
 */

#include "sign/check/public_key.h"

#define MINISIG_MAX_TEXT 16384

struct minisig {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t signature[SIGNATURE_SIZE];
	uint8_t global[SIGNATURE_SIZE];
	char *trusted_comment; /* owned */
};

#define MINISIG_INIT {{0}, {0}, {0}, NULL}

void minisig_clear(struct minisig *sig);

/*
 * Reads a signature file of four lines. The legacy form, which signs the file itself instead of its
 * hash, is refused: ERR_VERIFY. ERR_INPUT with `name` for anything else.
 */
int minisig_parse(const char *text, size_t length, struct minisig *ret_sig, const char *name,
		  struct error *err) CHECKED;

/* Whether the signature has this key's number, which is not protected; minisig_check() decides. */
bool minisig_is_by(const struct minisig *sig, const struct public_key *key);

/* Checks the bytes and the trusted comment. ERR_VERIFY. */
int minisig_check(const struct minisig *sig, const struct public_key *key, const void *bytes,
		  size_t length, const char *name, struct error *err) CHECKED;
