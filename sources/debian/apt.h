/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debian packages through apt-get: which one a suite has for a host, and downloading it.
 *
 * apt verifies its own chain (InRelease, Packages, package) with the pinned keyring; the signature
 * of InRelease is verified again with gpgv, to learn who signed it and when. The functions may be
 * called from several threads at once; calls for the same suite and host wait for each other.
 */

#include "base/progress.h"
#include "model/arch.h"
#include "model/package.h"

/* The values of a source in the matrix, all borrowed. */
struct apt_source {
	const char *key;         /* its name in the matrix */
	const char *suite;       /* "trixie" */
	const char *package;     /* NULL: the one with the static programs */
	const char *keyring;     /* a binary file of keys; NULL: Debian's own */
	const char *const *keys; /* fingerprints of primary keys, one of which must have signed */
	size_t key_count;        /* 0: any key of the keyring */
	const char *const *urls; /* base URLs of mirrors, tried after the machine's own */
	size_t url_count;
	bool allow_expired;       /* accept a Release file past its Valid-Until */
	const char *directory;    /* for apt's private files; created if missing and kept */
	const char *lock_command; /* "distributor lock", for messages about packages that are gone
				   */

	/* Receives a sentence about a problem that was solved; from any thread. May be NULL. */
	void (*warn)(void *context, const char *sentence);
	void *warn_context;
};

/*
 * Finds the newest package for `host` and fills `*ret_package` except for URLs, members and the
 * exact QEMU version, which package_inspect() reads from the file: type, source, host, name,
 * version, arch, file, size, sha256, source_package, built_using, suite, pool_path, the signer of
 * InRelease and its date.
 *
 * ERR_NOT_FOUND: the suite has no such package or architecture, or there is no apt, gpgv or
 * keyring. ERR_VERIFY: not signed by a pinned key, expired, altered, or not the requested suite.
 * ERR_INPUT: the requested package has no static programs, the archive's data are malformed, or its
 * server requires a password. ERR_NETWORK, ERR_IO, ERR_INTERRUPTED. With several mirrors the error
 * is the first one's.
 */
int apt_resolve(const struct apt_source *source, const struct arch *host,
		struct package *ret_package, struct error *err) CHECKED;

/*
 * Fetches the package that a lock pins into `directory`, which is created if missing, and stores
 * the file's path in `*ret_path`, to be freed by the caller; for a file: mirror that is the
 * mirror's file. Its size and sha256 match the lock.
 *
 * No lists are needed: the file is requested by its path in the pool, with the digest that apt must
 * find, so that a package can be fetched after its suite has moved on. What an interrupted call
 * left in `directory` is resumed. `task` counts bytes and may be NULL.
 *
 * ERR_NOT_FOUND when no mirror has the file any more, with what the suite has now and what to do;
 * ERR_VERIFY when all have another file at that path; else as apt_resolve().
 */
int apt_fetch(const struct apt_source *source, const struct package *package, const char *directory,
	      struct progress_task *task, char **ret_path, struct error *err) CHECKED;
