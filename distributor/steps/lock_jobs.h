/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What `lock` does for each host, several of them at once: find its packages, bring and verify them.
 */

#include "distributor/workspace/workspace.h"
#include "matrix/matrix.h"
#include "model/package.h"

#include <pthread.h>

struct upstream;

/* One host's share of the work, done by one of several threads. */
struct lock_job {
	const struct matrix_host *host;
	struct package_list packages;
	char *newest; /* of lock_jobs_check() */
	struct error error;
	bool failed;
};

struct lock_jobs {
	struct upstream *upstream;
	struct workspace *work;
	const struct matrix *matrix;
	struct lock_job *items; /* for each host that --host leaves */
	size_t count;
	pthread_mutex_t lock; /* guards `failed` while threads run */
};

/* `work` and `matrix` are borrowed. ERR_USAGE for an unknown --host; errors of upstream_open(). */
int lock_jobs_open(struct workspace *work, const struct matrix *matrix, struct lock_jobs *ret_jobs,
		   struct error *err) CHECKED;
void lock_jobs_clear(struct lock_jobs *jobs);

/* Asks each source what it has now: `newest`. Errors as below. */
int lock_jobs_check(struct lock_jobs *jobs, struct error *err) CHECKED;

/*
 * Finds the packages of all hosts, and then brings, verifies and looks through them: `packages`.
 * Nothing is fetched before all are found and of the versions that the matrix states.
 *
 * Each failure is logged, and the first one is the result. A source that could not be reached is
 * asked for one of its hosts, and told of once.
 */
int lock_jobs_pin(struct lock_jobs *jobs, struct error *err) CHECKED;
