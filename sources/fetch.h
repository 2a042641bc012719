/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Brings packages into the cache: several at once, from the first of their URLs that has them.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "model/package.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;
struct http_client;
struct progress;
struct progress_task;

/* All pointers are borrowed. */
struct fetch_options {
	struct cache *cache;
	struct http_client *http;
	struct progress *progress; /* may be NULL */
	unsigned int jobs;         /* so many at once, at least 1 */
	bool offline;              /* only file:// URLs, and what is there */
	bool rehash;               /* look at the digest of what is there, not only at its size */

	/*
	 * Gets a package of type apt, which has a suite and a version instead of URLs, into
	 * `directory`, where it may take up what a stopped run has left, and stores the file's
	 * path, which the caller frees. `task` counts bytes and may be NULL. Called from several
	 * threads. NULL: there is no such way. URLs are tried after it.
	 */
	int (*fetch_apt)(void *context, const struct package *package, const char *directory,
			 struct progress_task *task, char **ret_path, struct error *err);
	void *apt_context;

	/* Told what went wrong on the way to success; called from any thread, one at a time. */
	void (*warn)(void *context, const char *sentence);
	void *warn_context;

	/*
	 * Told instead of `warn`, with the same context, of a package that was not where it was
	 * looked for first: what holds for one of a build holds for all. NULL: `warn` is told.
	 */
	void (*detour)(void *context, const struct package *package, const char *sentence);
};

enum fetch_outcome {
	FETCH_NOT_TRIED, /* stopped before its turn */
	FETCH_PRESENT,   /* was in the cache */
	FETCH_FETCHED,
	FETCH_FAILED, /* `error` says why */
};

struct fetch_result {
	enum fetch_outcome outcome;
	char *path;        /* in the cache, or NULL */
	char *from;        /* URL without secrets, or "apt"; NULL unless fetched */
	uint64_t received; /* bytes that came over the network now; less than the size if resumed */
	double seconds;
	struct error error;
};

/*
 * Fetches each package of `list` and stores what became of it in the element of `results` at the
 * same place; `results` has `list->count` zeroed elements, which the caller releases. A package is
 * accepted with its locked size and sha256 only; a URL that gives something else is told to `warn`,
 * its file set aside, and the next one tried.
 *
 * Returns 0 when all packages are in the cache. Otherwise -1, after everything that could be
 * fetched has been; `err` has the gravest code (ERR_INTERRUPTED, ERR_IO, ERR_VERIFY, ERR_NETWORK,
 * ERR_REMOTE, ERR_NOT_FOUND) and the one error, or the names of all that are missing.
 */
int fetch_packages(const struct fetch_options *options, const struct package_list *list,
		   struct fetch_result *results, struct error *err) CHECKED;

void fetch_results_clear(struct fetch_result *results, size_t count);
