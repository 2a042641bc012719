/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whom `verify` believes: the list of keys that its caller named. There is no default: what lies
 * nearby may have come with the release.
 */

#include "distributor/verify/verify.h"
#include "sign/check/keyring.h"

/* As given on the command line; NULL: not given. Borrowed. */
struct verify_trust {
	const char *keys; /* directory */
	const char *root; /* fingerprint that has to have signed its lists */
	const char *repo; /* a clone, whose keys/ stand for `keys` */
};

/*
 * Reads the list of keys that was named. ERR_USAGE when none was, with the ways to name one; errors
 * of keyring_load(), which say how to get keys.
 */
int verify_trust_load(const struct verify_trust *trust, struct keyring *ret_keyring,
		      struct error *err) CHECKED;

/*
 * Adds what was believed: the list, its keys or its root key, serial and date. It is an "ok" only
 * where the root key was named, too.
 */
void verify_trust_note(const struct keyring *keyring, struct verify_report *report);

/*
 * Adds a failure to the report if the keys lie in `directory`, among the files that they are to
 * judge, and no root key was named: as a directory in it, through a link in it, or as files of it.
 * Sets the name of the directory with the keys if it is in `directory`; to be freed by the caller.
 * NULL if it is not. ERR_IO when that cannot be found out.
 */
int verify_trust_among(const struct keyring *keyring, const char *directory,
		       struct verify_report *report, char **ret_name, struct error *err) CHECKED;
