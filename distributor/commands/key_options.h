/* SPDX-License-Identifier: MIT */
#pragma once

/* The options that name a signing key, of every command that signs. */

#include "distributor/cli/options.h"
#include "distributor/steps/key_input.h"

/* The options, for a table of option_spec, of a static struct key_input. */
#define KEY_INPUT_OPTIONS(source)                                                                  \
	{"key",                                                                                    \
	 '\0',                                                                                     \
	 "FILE",                                                                                   \
	 OPTION_TEXT,                                                                              \
	 &(source).file,                                                                           \
	 "signing key, a file with mode 0600\n(default: from the variable " KEY_VARIABLE ")"},     \
		{"key-fd",      '\0',         "N",                                                 \
		 OPTION_NUMBER, &(source).fd, "read the signing key from this file descriptor"},   \
		{"passphrase-fd",                                                                  \
		 '\0',                                                                             \
		 "N",                                                                              \
		 OPTION_NUMBER,                                                                    \
		 &(source).passphrase_fd,                                                          \
		 "read its passphrase from this file descriptor\n(default: from the "              \
		 "variable\n" PASSPHRASE_VARIABLE ", or ask)"}
