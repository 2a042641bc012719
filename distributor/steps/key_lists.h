/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the maintainer does with the lists of keys in a directory: endorse, revoke, retire.
 *
 * A change makes the root key's signatures invalid, so it removes them: from then on the directory
 * is refused until key_lists_endorse() signs both lists again. Each change that was cut short can be
 * made again.
 */

#include "sign/check/keyring.h"
#include "sign/make/key.h"

#include <stdint.h>

/*
 * Signs both lists with a root key that root_signers lists. An empty revoked_keys is made where
 * there is none; keys that are revoked are taken out of allowed_signers. The serial is one more than
 * the highest that was there; `time_sec` gives the date. `ret_stamp` is what both lists begin with.
 * ERR_INPUT, ERR_VERIFY (not a root key), ERR_IO.
 */
int key_lists_endorse(const char *directory, const struct signing_key *key, int64_t time_sec,
		      struct keyring_stamp *ret_stamp, struct error *err) CHECKED;

/* Adds the key to revoked_keys and takes it out of allowed_signers. ERR_INPUT, ERR_IO. */
int
key_lists_revoke(const char *directory, const struct public_key *key, struct error *err) CHECKED;

/*
 * Notes in allowed_signers that this key signs nothing after the release with this tag,
 * "v10.2.2-1". ERR_INPUT (not a tag, or the key is revoked or not listed), ERR_IO.
 */
int key_lists_retire(const char *directory, const struct public_key *key, const char *tag,
		     struct error *err) CHECKED;

/* Whether release.pub there is this key: then the next release needs another one. */
bool key_lists_is_current(const char *directory, const struct public_key *key) CHECKED;
