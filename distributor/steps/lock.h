/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The work of `lock`: finds the packages of the sources in the matrix, verifies them, and pins
 * them.
 */

#include "distributor/workspace/workspace.h"

/* What a host has in the lock, and what its source has now. Strings are owned. */
struct step_lock_host {
	char *arch, *source;
	char *locked; /* NULL: not locked */
	char *newest;
	bool is_newer;
};

struct step_lock_news {
	struct step_lock_host
		*hosts; /* in the order of the matrix, but for what --host leaves out */
	size_t count;
	size_t newer; /* of them */
};

#define STEP_LOCK_NEWS_INIT {NULL, 0, 0}

void step_lock_news_clear(struct step_lock_news *news);

/*
 * Queries the newest version of each source, and pins nothing. ERR_USAGE for an unknown --host;
 * errors of lock_jobs_check().
 */
int
step_lock_check(struct workspace *work, struct step_lock_news *ret_news, struct error *err) CHECKED;

struct step_lock_result {
	char *path;   /* of the lock, owned */
	bool written; /* false: it had all of it */
	uint64_t serial;
	size_t packages, emulators;
};

#define STEP_LOCK_RESULT_INIT {NULL, false, 0, 0, 0}

void step_lock_result_clear(struct step_lock_result *result);

/*
 * Finds and verifies the newest packages, and writes the lock if they differ from it. Hosts not
 * selected by --host keep their packages. `downgrade_reason` permits older ones and is recorded;
 * NULL: none. ERR_USAGE for an unknown --host; ERR_VERIFY for an older version; ERR_INPUT for a
 * pair that is lost; errors of lock_jobs_pin().
 */
int step_lock(struct workspace *work, const char *downgrade_reason,
	      struct step_lock_result *ret_result, struct error *err) CHECKED;
