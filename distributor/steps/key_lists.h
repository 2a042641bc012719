/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Changes the lists of keys in a directory: endorse, revoke, retire.
 *
 * A change makes the root key's signatures invalid, so it removes them: from then on the directory
 * is refused until key_lists_endorse() signs both lists again. An interrupted change can be
 * repeated.
 */

#include "sign/check/keyring.h"
#include "sign/make/key.h"

#include <stdint.h>

/*
 * Signs both lists with a root key that root_signers lists. Creates an empty revoked_keys if it is
 * missing, and removes revoked keys from allowed_signers. The serial is one more than the highest
 * before; `time_sec` is the date. `ret_stamp` is the first line of both lists. ERR_INPUT,
 * ERR_VERIFY (not a root key), ERR_IO.
 */
int key_lists_endorse(const char *directory, const struct signing_key *key, int64_t time_sec,
		      struct keyring_stamp *ret_stamp, struct error *err) CHECKED;

/* Adds the key to revoked_keys and removes it from allowed_signers. ERR_INPUT, ERR_IO. */
int
key_lists_revoke(const char *directory, const struct public_key *key, struct error *err) CHECKED;

/*
 * Records in allowed_signers that this key is not valid after the release with this tag,
 * "v10.2.2-1". ERR_INPUT (not a tag, or the key is revoked or not listed), ERR_IO.
 */
int key_lists_retire(const char *directory, const struct public_key *key, const char *tag,
		     struct error *err) CHECKED;

/* Whether release.pub is this key: then the next release needs a new one. */
bool key_lists_is_current(const char *directory, const struct public_key *key) CHECKED;
