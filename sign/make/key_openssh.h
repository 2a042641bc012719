/* SPDX-License-Identifier: MIT */
#pragma once

/* A signing key as ssh-keygen and git use it, without a passphrase (OpenSSH's PROTOCOL.key). */

#include "sign/check/public_key.h"
#include "sign/make/secret.h"

#define KEY_SEED_SIZE 32

/* The text of the key file. ERR_IO when there is no secure memory. */
int key_openssh_format(const uint8_t seed[KEY_SEED_SIZE], const struct public_key *key,
		       struct secret *ret_text, struct error *err) CHECKED;
