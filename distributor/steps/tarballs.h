/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The release assets from the packages in the cache: the work of `tarballs`, and a step of a
 * release.
 */

#include "distributor/workspace/workspace.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "matrix/plan.h"
#include "pack/assets.h"

struct cache;

struct step_tarballs {
	const struct workspace *work;
	struct plan plan;
	struct cache *cache;
	struct assets_host *hosts; /* those that are wanted */
	size_t host_count;
	struct assets_report report;
	size_t made, unchanged; /* pairs, of all hosts */
	uint64_t bytes_in, bytes_out;
	double seconds;
};

#define STEP_TARBALLS_INIT {.work = NULL}

void step_tarballs_clear(struct step_tarballs *packing);

/*
 * What is packed of a host of the plan, which has a lock; `members` is to be freed by the caller,
 * what they point to is borrowed from the lock.
 */
void step_tarballs_host(const struct plan *plan, size_t index, struct assets_host *ret_host);

/*
 * Makes what is missing in OUT/assets and writes OUT/assets.json, under the lock of OUT, which is
 * waited for with `wait`; the report's assets are those of that list. Errors of assets_make();
 * ERR_BUSY. `work`, which is loaded, is borrowed.
 */
int step_tarballs(const struct workspace *work, bool wait, struct step_tarballs *ret_packing,
		  struct error *err) CHECKED;

/* Whether OUT/assets has all tarballs, so that no package is needed. Writes nothing. */
int step_tarballs_are_complete(const struct workspace *work, bool *ret_complete,
			       struct error *err) CHECKED;
