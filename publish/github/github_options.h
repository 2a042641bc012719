/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How GitHub is talked to: addresses, pace, patience.
 */

#include "publish/github/pacer.h"

#include <stdbool.h>

struct progress;

/* Begin with GITHUB_OPTIONS_DEFAULT. Strings are copied. */
struct github_options {
	const char *api_url;    /* "https://api.github.com", "https://HOST/api/v3" */
	const char *repository; /* "OWNER/REPO" */
	const char *token;      /* sent to the API and its upload host, and to no other; or NULL */
	unsigned int parallel;  /* uploads at once */
	struct pacer_limits pace;
	unsigned int tries;         /* of one request, and looks at what was just published */
	unsigned int first_wait_ms; /* before the second try; doubles each time */
	unsigned int limit_wait_ms; /* when a limit is hit and GitHub does not say for how long */
	unsigned int max_wait_sec;  /* a longer wait is not begun */
	const char *hint_path;      /* a file with the number of the draft, or NULL */
	bool dry_run;               /* every request that only reads, and none that writes */

	/* Told about waits and removals, in a sentence; called from any thread. May be NULL. */
	void (*notice)(void *context, const char *sentence);
	void *notice_context;
	struct progress *progress; /* may be NULL */
};

#define GITHUB_OPTIONS_DEFAULT                                                                     \
	{.api_url = "https://api.github.com",                                                      \
	 .parallel = 4,                                                                            \
	 .pace = {1000, 80, 500},                                                                  \
	 .tries = 6,                                                                               \
	 .first_wait_ms = 1000,                                                                    \
	 .limit_wait_ms = 60000,                                                                   \
	 .max_wait_sec = 3900}
