/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cosign's simple signing: this digest may be found under this reference.
 *
 * The payload is a layer of its own in the registry, and the signature an annotation of it.
 * podman and skopeo compare the reference, so there is one payload for each published name.
 */

#include "base/digest.h"
#include "sign/check/public_key.h"

#define SIMPLE_SIGNING_MAX_TEXT 4096

struct simple_signing {
	char *reference; /* owned */
	struct digest manifest;
};

#define SIMPLE_SIGNING_INIT                                                                        \
	{                                                                                          \
		NULL,                                                                              \
		{                                                                                  \
			{                                                                          \
				0                                                                  \
			}                                                                          \
		}                                                                                  \
	}

void simple_signing_clear(struct simple_signing *claim);

/*
 * Checks the signature and reads what it says: no other members, no other type. Only afterwards
 * does the caller compare reference and digest with what it has. ERR_VERIFY, ERR_INPUT.
 */
int simple_signing_check(const char *payload, size_t length, const char *signature,
			 const struct public_key *key, struct simple_signing *ret_claim,
			 const char *name, struct error *err) CHECKED;
