/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names that have no address. A resolver fails for a moment, a wrong name or a machine without
 * network for ever: each name is tried a few times in a run, however many requests want it.
 */

#include "base/cleanup.h"

#include <pthread.h>
#include <stddef.h>

enum { HTTP_NAMES_MAX = 16 };

/* Of one client, for all of its threads. The oldest name is forgotten when there are too many. */
struct http_names {
	pthread_mutex_t mutex;
	struct http_name {
		char *name;
		char *why; /* in libcurl's words */
		unsigned int failed;
	} items[HTTP_NAMES_MAX];
	size_t next;
};

void http_names_init(struct http_names *names);
void http_names_clear(struct http_names *names);

/* Why the host of the URL is not tried any more, to be freed by the caller; NULL: it is. */
char *http_names_refusal(struct http_names *names, const char *url) CHECKED;

/* Notes that it has no address, and returns how often it is tried yet. */
unsigned int http_names_failed(struct http_names *names, const char *url, const char *why);

/* Notes that it has one. */
void http_names_answered(struct http_names *names, const char *url);
