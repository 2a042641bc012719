#pragma once

/*
 * The public half of a key in the directory that verifiers get.
 */

#include "base/error.h"
#include "sign/public_key.h"

#include <stdbool.h>

#define KEY_LIST_NAME "allowed_signers"

/* Makes the directory and tries to write to it. ERR_IO. */
int key_files_prepare(const char *directory, struct error *err) CHECKED;

/*
 * Makes the directory, adds the key to its allowed_signers unless it is listed, and writes it in
 * the spellings of other tools. A root key goes into root_signers alone. ERR_INPUT (the principal),
 * ERR_IO.
 */
int key_files_write(const char *directory, const struct public_key *key, const char *principal,
		    bool is_root, struct error *err) CHECKED;
