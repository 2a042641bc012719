#pragma once

/*
 * The public half of a key in the directory that verifiers get.
 */

#include "base/error.h"
#include "sign/public_key.h"

#include <stdbool.h>

#define KEY_LIST_NAME    "allowed_signers"
#define KEY_ROOT_NAME    "root_signers"
#define KEY_REVOKED_NAME "revoked_keys"

/* Makes the directory and tries to write to it. ERR_IO. */
int key_files_prepare(const char *directory, struct error *err) CHECKED;

/*
 * Makes the directory, adds the key to its allowed_signers unless it is listed, and writes it in
 * the spellings of other tools. A root key goes into root_signers alone. ERR_INPUT (the principal),
 * ERR_IO.
 */
int key_files_write(const char *directory, const struct public_key *key, const char *principal,
		    bool is_root, struct error *err) CHECKED;

/*
 * Adds `line`, which ends with a line feed, to the list `name` there, unless the same line is
 * listed; makes the list if it is missing. ERR_IO.
 */
int key_files_append(const char *directory, const char *name, const char *line,
		     struct error *err) CHECKED;

/* The lists there have to be signed by a root key after each change. */
bool key_files_have_root(const char *directory) CHECKED;
