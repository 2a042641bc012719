/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keys that `verify` trusts: the list given by the caller. There is no default: keys found next
 * to a release may have come with it.
 */

#include "distributor/verify/verify.h"
#include "sign/check/keyring.h"

/* As given on the command line; NULL: not given. Borrowed. */
struct verify_trust {
	const char *keys; /* directory */
	const char *root; /* fingerprint of the key that must have signed its lists */
	const char *repo; /* a clone, whose keys/ are used as `keys` */
};

/*
 * Reads the given list of keys. ERR_USAGE without one, with the options that give one; errors of
 * keyring_load(), with how to get keys.
 */
int verify_trust_load(const struct verify_trust *trust, struct keyring *ret_keyring,
		      struct error *err) CHECKED;

/*
 * Adds a row with the trusted list, its keys or its root key, serial and date. It is "ok" only if
 * the root key was given too.
 */
void verify_trust_note(const struct keyring *keyring, struct verify_report *report);

/*
 * Adds a failure to the report if the keys are in `directory`, among the files to verify, and no
 * root key was given: as a directory in it, through a link in it, or as files of it. Sets the name
 * of the directory with the keys if it is in `directory`, to be freed by the caller, else NULL.
 * ERR_IO if that cannot be determined.
 */
int verify_trust_among(const struct keyring *keyring, const char *directory,
		       struct verify_report *report, char **ret_name, struct error *err) CHECKED;
