/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Downloads packages into the cache: several at once, each from its first URL that has it.
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
	unsigned int jobs;         /* how many at once, at least 1 */
	bool offline;              /* only file:// URLs and the cache */
	bool rehash;               /* check the digest of cached files, not only their size */

	/*
	 * Downloads a package of type apt, which has a suite and a version instead of URLs, into
	 * `directory`, where it may resume what an interrupted run left, and stores the file's
	 * path, which the caller frees. `task` counts bytes and may be NULL. Called from several
	 * threads. URLs are tried after it. NULL: only URLs.
	 */
	int (*fetch_apt)(void *context, const struct package *package, const char *directory,
			 struct progress_task *task, char **ret_path, struct error *err);
	void *apt_context;

	/* Called with each problem before a success; from any thread, one at a time. */
	void (*warn)(void *context, const char *sentence);
	void *warn_context;

	/*
	 * Called instead of `warn`, with the same context, for a package that was missing at its
	 * first place, which then holds for all packages of its build. NULL: `warn` is called.
	 */
	void (*detour)(void *context, const struct package *package, const char *sentence);
};

enum fetch_outcome {
	FETCH_NOT_TRIED, /* interrupted before its turn */
	FETCH_PRESENT,   /* was in the cache */
	FETCH_FETCHED,
	FETCH_FAILED, /* see `error` */
};

struct fetch_result {
	enum fetch_outcome outcome;
	char *path;        /* in the cache, or NULL */
	char *from;        /* URL without secrets, or "apt"; NULL unless fetched */
	uint64_t received; /* bytes received now; less than the size if resumed */
	double seconds;
	struct error error;
};

/*
 * Fetches each package of `list` and stores the outcome in the element of `results` at the same
 * index; `results` has `list->count` zeroed elements, which the caller clears. A package is
 * accepted with its locked size and sha256 only; if a URL serves something else, `warn` is called,
 * the file is moved to quarantine, and the next URL is tried.
 *
 * Returns 0 when all packages are in the cache. Otherwise -1, after everything that could be
 * fetched has been; `err` has the most severe code (ERR_INTERRUPTED, ERR_IO, ERR_VERIFY,
 * ERR_NETWORK, ERR_REMOTE, ERR_NOT_FOUND) and the one error, or the names of all that are missing.
 */
int fetch_packages(const struct fetch_options *options, const struct package_list *list,
		   struct fetch_result *results, struct error *err) CHECKED;

void fetch_results_clear(struct fetch_result *results, size_t count);
