/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signing key of a command: read once, and only when something has to be signed.
 */

#include "distributor/steps/key_input.h"
#include "sign/check/keyring.h"

struct lazy_signer {
	const struct keyring *keyring;  /* borrowed */
	const struct key_input *source; /* borrowed */
	struct signing_key *key;        /* NULL until it is needed */
	struct signer signer;
	char fingerprint[FINGERPRINT_SIZE]; /* empty until then */
};

#define LAZY_SIGNER_INIT(ring, from) {.keyring = (ring), .source = (from)}

void lazy_signer_clear(struct lazy_signer *lazy);

/* The key itself, whatever it may sign; borrowed. As key_input_read(). */
int lazy_signer_key(struct lazy_signer *lazy, const struct signing_key **ret_key,
		    struct error *err) CHECKED;

/*
 * The signer, whose public half is the one in the keyring and not one that was derived from the
 * secret. ERR_VERIFY: the key may not sign releases. Else as key_input_read().
 */
int lazy_signer_get(struct lazy_signer *lazy, const struct signer **ret_signer,
		    struct error *err) CHECKED;
