/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signed file at the root of a Debian archive (InRelease, or Release with Release.gpg): who
 * signed it, as gpgv says, and what it says of itself.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FINGERPRINT_SIZE = 65 }; /* 40 or 64 upper-case hexadecimal digits and the terminator */

/* One good signature. */
struct release_signature {
	char key[FINGERPRINT_SIZE];     /* the key or subkey that made it */
	char primary[FINGERPRINT_SIZE]; /* its primary key */
};

/* Which keys count. Without `count` every key of the keyring does. */
struct release_keys {
	const char *const *fingerprints; /* of primary keys, in any case */
	size_t count;
};

/*
 * Reads what `gpgv --status-fd` wrote and picks the first signature that is good (GOODSIG and
 * VALIDSIG, a hash of the SHA-2 family) and made by one of `keys`. The exit status of gpgv does not
 * tell: it is 2 when one of several signatures is by a key that the keyring lacks, and 0 when all
 * are good but none is by a pinned key.
 *
 * ERR_VERIFY, with the key that signed instead where there is one, or if any signature is bad.
 */
int gpgv_status_parse(const char *status, const struct release_keys *keys,
		      struct release_signature *ret_signature, struct error *err) CHECKED;

struct release {
	char signer[FINGERPRINT_SIZE]; /* primary key of the signature that was picked */
	char *suite;                   /* "stable"; NULL if it says none */
	char *codename;                /* "trixie"; the same */
	int64_t date_sec;
	int64_t valid_until_sec; /* 0: it has no end */
};

#define RELEASE_INIT {"", NULL, NULL, 0, 0}

void release_clear(struct release *release);

/* Reads the fields of the text that was signed. ERR_INPUT. The signer is left empty. */
int release_parse(const char *text, size_t length, const char *name, struct release *ret_release,
		  struct error *err) CHECKED;

/* "Sat, 21 Nov 2026 09:15:44 UTC" as seconds since 1970. False if it is anything else. */
bool release_parse_date(const char *text, int64_t *ret_sec) CHECKED;

/*
 * Verifies the file `path` with gpgv and the keys of the binary keyring file `keyring`, and reads
 * its fields out of what gpgv found signed, not out of the file. `detached` is the signature in a
 * file of its own, or NULL for an InRelease. `directory` is for a file in between.
 *
 * ERR_VERIFY as gpgv_status_parse(), ERR_NOT_FOUND without gpgv, ERR_INPUT, ERR_IO.
 */
int release_verify(const char *path, const char *detached, const char *keyring,
		   const struct release_keys *keys, const char *directory,
		   struct release *ret_release, struct error *err) CHECKED;
