/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The work of `lock` for each host, several in parallel: find its packages, download and verify
 * them.
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

/* Queries the newest version of each source: `newest`. Errors as below. */
int lock_jobs_check(struct lock_jobs *jobs, struct error *err) CHECKED;

/*
 * Finds the packages of all hosts, then downloads, verifies and inspects them: `packages`. Nothing
 * is downloaded before all are found with the versions in the matrix.
 *
 * Each failure is logged, and the first one is the result. An unreachable source is queried for
 * only one of its hosts, and reported once.
 */
int lock_jobs_pin(struct lock_jobs *jobs, struct error *err) CHECKED;
