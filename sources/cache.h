/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The package cache: files by their SHA-256, shared safely by any number of running processes.
 *
 *     DIR/sha256/HEX        complete, and its digest was right when it got this name
 *     DIR/partial/HEX       on its way; locked by who works on it, resumed by who comes next
 *     DIR/quarantine/HEX    a file that was not what it should be, under the digest it has
 *
 * A process may be killed at any moment: locks end with it, and what has arrived stays in partial/.
 */

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;

/*
 * Opens the cache in `directory`, or with NULL in $XDG_CACHE_HOME/distributor, else
 * ~/.cache/distributor. It is made when missing. ERR_IO; ERR_INPUT if there is no home, or if it
 * belongs to neither the effective user nor root.
 */
int cache_open(const char *directory, struct cache **ret_cache, struct error *err) CHECKED;
void cache_free(struct cache *cache);
void cache_freep(struct cache **cache); /* for AUTO() */

/* Borrowed. */
const char *cache_directory(const struct cache *cache);

enum cache_check {
	CACHE_CHECK_SIZE,   /* quick; whoever reads the file has to hash it */
	CACHE_CHECK_DIGEST, /* reads it all */
};

/*
 * Looks for a file. Returns 1 and stores its path, to be freed by the caller (`ret_path` may be
 * NULL), or 0 if it is not there. A file of the wrong size or digest is set aside and named in the
 * error, ERR_VERIFY; after that it is no longer there. ERR_IO.
 */
int cache_lookup(struct cache *cache, const struct digest *digest, uint64_t size,
		 enum cache_check check, char **ret_path, struct error *err) CHECKED;

/* A file on its way, and the lock on it. */
struct cache_entry {
	struct cache *cache; /* borrowed, must outlive the entry */
	struct digest digest;
	uint64_t size;
	int fd;        /* for reading and writing; owned */
	char *path;    /* in partial/; owned */
	uint64_t have; /* so many bytes of it are there from before, at most `size` */
};

#define CACHE_ENTRY_INIT {.fd = -1}

/*
 * Begins or resumes a file of `size` bytes. Returns 0 with the entry locked, or 1 if the file is in
 * the cache, perhaps since a moment ago. With `wait` false ERR_BUSY says that somebody else is at
 * it; with `wait` true this returns when they are done or gone. ERR_IO, ERR_INTERRUPTED, and
 * ERR_VERIFY as cache_lookup().
 */
int cache_begin(struct cache *cache, const struct digest *digest, uint64_t size, bool wait,
		struct cache_entry *ret_entry, struct error *err) CHECKED;

/*
 * Ends an entry whose content has the digest `seen`: gives it its name and stores the path, to be
 * freed by the caller (`ret_path` may be NULL). With the wrong size or digest it is set aside, and
 * the error, ERR_VERIFY, says where. Either way the entry is released. ERR_IO.
 */
int cache_commit(struct cache_entry *entry, const struct digest *seen, char **ret_path,
		 struct error *err) CHECKED;

/*
 * Fills the entry with a copy of the file `path`, checks size and digest on the way, and commits it
 * as above; the file itself is left alone. ERR_VERIFY, ERR_IO, ERR_NOT_FOUND (no such file),
 * ERR_INTERRUPTED.
 */
int
cache_fill(struct cache_entry *entry, const char *path, char **ret_path, struct error *err) CHECKED;

/* Unlocks an entry and leaves what has arrived for the next. Also for a zeroed or released one. */
void cache_entry_clear(struct cache_entry *entry);

/*
 * Begins, and fills with a file that something else has fetched. A file that is in the cache
 * already is not read. Errors of both.
 */
int cache_adopt(struct cache *cache, const char *path, const struct digest *digest, uint64_t size,
		char **ret_path, struct error *err) CHECKED;
