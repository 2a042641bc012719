/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cosign's simple signing: this digest belongs to this reference.
 *
 * The payload is a separate layer in the registry, and the signature is its annotation. podman and
 * skopeo compare the reference, so there is one payload for each published name.
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
 * Checks the signature and parses the payload, without unknown members or other types. The caller
 * then compares reference and digest. ERR_VERIFY, ERR_INPUT.
 */
int simple_signing_check(const char *payload, size_t length, const char *signature,
			 const struct public_key *key, struct simple_signing *ret_claim,
			 const char *name, struct error *err) CHECKED;
