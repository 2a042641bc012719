/* SPDX-License-Identifier: MIT */
#pragma once

/* The public keys, in the directory that verifiers use. */

#include "base/error.h"
#include "sign/check/keyring.h"

#include <stdbool.h>

#define KEY_LIST_NAME    "allowed_signers"
#define KEY_ROOT_NAME    "root_signers"
#define KEY_REVOKED_NAME "revoked_keys"
#define KEY_PUBLIC_NAME  "release.pub"

/* Creates the directory and checks that it is writable. ERR_IO. */
int key_files_prepare(const char *directory, struct error *err) CHECKED;

/*
 * Makes the directory, with a .gitattributes that keeps line ends unless there is one, writes the
 * key in the spellings of other tools, and last adds it to allowed_signers, unless it is listed
 * there; a root key goes into root_signers alone. A run that was cut short has thus not listed the
 * key, and can be made again. If allowed_signers changed, the root key's signatures are removed, as
 * they are of another list. ERR_INPUT (the principal, or a list that cannot be read), ERR_IO.
 */
int key_files_write(const char *directory, const struct public_key *key, const char *principal,
		    bool is_root, struct error *err) CHECKED;

/*
 * Whether the list that key_files_write() would add it to has the key. Also true for a key that is
 * revoked. ERR_INPUT, ERR_IO.
 */
int key_files_have(const char *directory, const struct public_key *key, bool is_root,
		   bool *ret_listed, struct error *err) CHECKED;

/*
 * Reads a list: its keys are added to `keyring`, and the text, to be freed by the caller, is "" for
 * a missing list. ERR_INPUT, ERR_IO.
 */
int key_files_read(const char *directory, enum keyring_role role, struct keyring *keyring,
		   char **ret_text, struct error *err) CHECKED;

/* Whether both lists have a signature, valid or not. */
bool key_files_are_signed(const char *directory) CHECKED;

/* Removes the root key's signatures of both lists, if they are there. ERR_IO. */
int key_files_remove_signatures(const char *directory, struct error *err) CHECKED;

/* keyring_load() that also reports the skipped lines of the lists. */
int key_files_load(const char *directory, const char *root_fingerprint, struct keyring *ret_keyring,
		   struct error *err) CHECKED;

/* Whether the lists must be signed by a root key after each change. ERR_IO. */
int key_files_have_root(const char *directory, bool *ret_root, struct error *err) CHECKED;
