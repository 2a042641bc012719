/* SPDX-License-Identifier: MIT */
#pragma once

/* Reads the signing key of a command: from --key, --key-fd or the environment, never from argv. */

#include "sign/make/key.h"

#define KEY_VARIABLE        "DISTRIBUTOR_KEY"
#define PASSPHRASE_VARIABLE "DISTRIBUTOR_KEY_PASSPHRASE"

#define KEY_NO_FD UINT64_MAX

struct key_input {
	const char *file;
	uint64_t fd;
	uint64_t passphrase_fd;
};

#define KEY_INPUT_INIT {NULL, KEY_NO_FD, KEY_NO_FD}

/*
 * Reads the key. Variables are wiped and unset whether they are used or not, so that no child
 * inherits them. ERR_USAGE if no key was given; errors of signing_key_parse().
 */
int key_input_read(const struct key_input *source, struct signing_key **ret_key,
		   struct error *err) CHECKED;

/*
 * The passphrase to protect a new key with: from the descriptor, the variable, or the terminal,
 * where it is asked for twice. ERR_USAGE without any of them.
 */
int key_input_new_passphrase(const struct key_input *source, struct secret *ret_passphrase,
			     struct error *err) CHECKED;
