/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signed file at the root of a Debian archive (InRelease, or Release with Release.gpg): who
 * signed it, according to gpgv, and its fields.
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

/* The accepted keys. If `count` is 0, every key of the keyring. */
struct release_keys {
	const char *const *fingerprints; /* of primary keys, in any case */
	size_t count;
};

/*
 * Parses the output of `gpgv --status-fd` and picks the first good signature (GOODSIG and VALIDSIG,
 * a hash of the SHA-2 family) by one of `keys`. The exit status of gpgv does not decide: it is 2
 * when one of several signatures is by a key that the keyring lacks, and 0 when all are good but
 * none is by a pinned key.
 *
 * ERR_VERIFY, with the other key that signed if there is one, or if any signature is bad.
 */
int gpgv_status_parse(const char *text, const struct release_keys *keys,
		      struct release_signature *ret_signature, struct error *err) CHECKED;

struct release {
	char signer[FINGERPRINT_SIZE]; /* primary key of the signature that was picked */
	char *suite;                   /* "stable"; NULL if missing */
	char *codename;                /* "trixie"; the same */
	int64_t date_sec;
	int64_t valid_until_sec; /* 0: it does not expire */
};

#define RELEASE_INIT {"", NULL, NULL, 0, 0}

void release_clear(struct release *release);

/* Reads the fields of the signed text. ERR_INPUT. The signer stays empty. */
int release_parse(const char *text, size_t length, const char *name, struct release *ret_release,
		  struct error *err) CHECKED;

/* "Sat, 21 Nov 2026 09:15:44 UTC" as seconds since 1970. False if it is anything else. */
bool release_parse_date(const char *text, int64_t *ret_sec) CHECKED;

/*
 * Verifies the file `path` with gpgv and the keys of the binary keyring file `keyring`, and reads
 * its fields from the signed text that gpgv outputs, not from the file. `detached` is the file of a
 * detached signature, or NULL for an InRelease. `directory` is for a temporary file.
 *
 * ERR_VERIFY as gpgv_status_parse(), ERR_NOT_FOUND without gpgv, ERR_INPUT, ERR_IO.
 */
int release_verify(const char *path, const char *detached, const char *keyring,
		   const struct release_keys *keys, const char *directory,
		   struct release *ret_release, struct error *err) CHECKED;
