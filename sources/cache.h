/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The package cache: files by their SHA-256, shared safely by any number of running processes.
 *
 *     DIR/sha256/HEX        complete, and its digest was right when it got this name
 *     DIR/partial/HEX       incomplete; locked while in use, resumed by the next run
 *     DIR/quarantine/HEX    a file that did not match, under its real digest
 *
 * A process may be killed at any moment: its locks end, and what has arrived stays in partial/.
 */

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;

/*
 * Opens the cache in `directory`, or with NULL in $XDG_CACHE_HOME/distributor, else
 * ~/.cache/distributor. It is created if missing. ERR_IO; ERR_INPUT if there is no home directory,
 * or if the cache belongs to neither the effective user nor root.
 */
int cache_open(const char *directory, struct cache **ret_cache, struct error *err) CHECKED;
void cache_free(struct cache *cache);
void cache_freep(struct cache **cache); /* for AUTO() */

/* Borrowed. */
const char *cache_directory(const struct cache *cache);

enum cache_check {
	CACHE_CHECK_SIZE,   /* quick; the caller hashes the file */
	CACHE_CHECK_DIGEST, /* reads the whole file */
};

/*
 * Looks up a file. Returns 1 and stores its path, to be freed by the caller (`ret_path` may be
 * NULL), or 0 if it is missing. A file of the wrong size or digest is moved to quarantine and named
 * in the error, ERR_VERIFY. ERR_IO.
 */
int cache_lookup(struct cache *cache, const struct digest *digest, uint64_t size,
		 enum cache_check check, char **ret_path, struct error *err) CHECKED;

/* An incomplete file, and the lock on it. */
struct cache_entry {
	struct cache *cache; /* borrowed, must outlive the entry */
	struct digest digest;
	uint64_t size;
	int fd;        /* for reading and writing; owned */
	char *path;    /* in partial/; owned */
	uint64_t have; /* bytes present from before, at most `size` */
};

#define CACHE_ENTRY_INIT {.fd = -1}

/*
 * Begins or resumes a file of `size` bytes. Returns 0 with the entry locked, or 1 if the file is in
 * the cache, perhaps since a moment ago. If another process has locked it, this fails with ERR_BUSY
 * or, with `wait`, waits until the lock is free. ERR_IO, ERR_INTERRUPTED, and ERR_VERIFY as
 * cache_lookup().
 */
int cache_begin(struct cache *cache, const struct digest *digest, uint64_t size, bool wait,
		struct cache_entry *ret_entry, struct error *err) CHECKED;

/*
 * Completes an entry whose content has the digest `seen`: renames it and stores the path, to be
 * freed by the caller (`ret_path` may be NULL). With the wrong size or digest it is moved to
 * quarantine, and the error, ERR_VERIFY, names that file. The entry is cleared in both cases.
 * ERR_IO.
 */
int cache_commit(struct cache_entry *entry, const struct digest *seen, char **ret_path,
		 struct error *err) CHECKED;

/*
 * Fills the entry with a copy of the file `path`, checks size and digest on the way, and commits it
 * as above; the file itself does not change. ERR_VERIFY, ERR_IO, ERR_NOT_FOUND (no such file),
 * ERR_INTERRUPTED.
 */
int
cache_fill(struct cache_entry *entry, const char *path, char **ret_path, struct error *err) CHECKED;

/*
 * Unlocks an entry and keeps what has arrived for the next run. Also for a zeroed or cleared one.
 */
void cache_entry_clear(struct cache_entry *entry);

/*
 * Begins an entry and fills it from a file that another program fetched. A file already in the
 * cache is not read. Errors of both.
 */
int cache_adopt(struct cache *cache, const char *path, const struct digest *digest, uint64_t size,
		char **ret_path, struct error *err) CHECKED;
