/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The release before this one: its tag, and the lock as it was then.
 */

#include "distributor/steps/release_info.h"

struct github;

/* What is known of it: nothing is said of it that nobody has looked up. */
enum before_state {
	BEFORE_UNKNOWN,      /* it was not looked up */
	BEFORE_NONE,         /* there is none */
	BEFORE_NAMED,        /* there is one, whose lock was not looked up */
	BEFORE_WITHOUT_LOCK, /* there is one, and it has no lock */
	BEFORE_COMPARED,     /* `lock` is its lock */
};

struct release_before {
	enum before_state state;
	char *tag; /* from BEFORE_NAMED on; else NULL */
	struct lock lock;
};

#define RELEASE_BEFORE_INIT {BEFORE_UNKNOWN, NULL, LOCK_INIT}

void release_before_clear(struct release_before *before);

/*
 * Looks it up in the repository; where that has no history or no tags, which says nothing about
 * earlier releases, on GitHub, unless that is NULL. What could not be looked up is a warning, and
 * stays unknown. ERR_IO, and the errors of github_previous_tag().
 */
int release_before_find(const struct release_info *info, struct github *github,
			struct release_before *before, struct error *err) CHECKED;
