/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The packages of a lock in the cache: the work of `fetch`, and the first step of a release.
 */

#include "distributor/steps/upstream.h"
#include "distributor/workspace/workspace.h"
#include "matrix/lock.h"

struct step_fetch {
	struct upstream *upstream;
	/*
	 * Of the wanted hosts. Borrowed from the lock, but for the array and the URLs, of which there
	 * are more.
	 */
	struct package_list packages;
	struct fetch_result *results; /* one each; NULL if it did not come to that */
	size_t fetched, present;      /* packages */
	uint64_t size, received;      /* in bytes, of all packages */
	double seconds;
};

#define STEP_FETCH_INIT {.upstream = NULL}

void step_fetch_clear(struct step_fetch *fetching);

/*
 * Downloads the packages of the wanted hosts into the cache; with `rehash` the digests of cached
 * packages are verified. `ret_fetching` is also filled on failure, as far as the work got. Errors
 * of upstream_fetch().
 */
int step_fetch(const struct workspace *work, bool rehash, struct step_fetch *ret_fetching,
	       struct error *err) CHECKED;
