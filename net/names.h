/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names that do not resolve. A resolver fails for a moment, a wrong name or a machine without
 * network always: each name is tried a few times in a run, however many requests use it.
 */

#include "base/cleanup.h"

#include <pthread.h>
#include <stddef.h>

enum { HTTP_NAMES_MAX = 16 };

/* Of one client, for all of its threads. When it is full, the oldest name is dropped. */
struct http_names {
	pthread_mutex_t mutex;
	struct http_name {
		char *name;
		char *why; /* libcurl's message */
		unsigned int failed;
	} items[HTTP_NAMES_MAX];
	size_t next;
};

void http_names_init(struct http_names *names);
void http_names_clear(struct http_names *names);

/* Why the host of the URL is no longer tried, to be freed by the caller; NULL: it still is. */
char *http_names_refusal(struct http_names *names, const char *url) CHECKED;

/* Records that it does not resolve, and returns how many tries are left. */
unsigned int http_names_failed(struct http_names *names, const char *url, const char *why);

/* Records that it resolves. */
void http_names_answered(struct http_names *names, const char *url);
