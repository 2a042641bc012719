/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * In-toto statements in a DSSE envelope in a sigstore bundle v0.3 with a public key hint.
 */

#include "sign/check/public_key.h"

#define DSSE_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define DSSE_BUNDLE_TYPE  "application/vnd.dev.sigstore.bundle.v0.3+json"
#define DSSE_MAX_TEXT     ((size_t)4 << 20)

struct dsse {
	char *payload; /* the statement; owned, terminated */
	size_t payload_length;
	char *hint; /* owned */
	uint8_t signature[SIGNATURE_SIZE];
};

#define DSSE_INIT {NULL, 0, NULL, {0}}

void dsse_clear(struct dsse *dsse);

/*
 * Reads a bundle with one DSSE signature whose key is identified by a hint. Unknown members are
 * refused; entries of a transparency log are skipped. ERR_INPUT with the position.
 */
int dsse_parse(const char *text, size_t length, struct dsse *ret_dsse, const char *name,
	       struct error *err) CHECKED;

/* Whether the hint matches this key. */
bool dsse_is_by(const struct dsse *dsse, const struct public_key *key);

/* ERR_VERIFY. */
int dsse_check(const struct dsse *dsse, const struct public_key *key, const char *name,
	       struct error *err) CHECKED;
