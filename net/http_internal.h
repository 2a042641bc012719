/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the files of net/ share; private to net/.
 *
 *     http.c, download.c    tries and redirects; a file with resume
 *     exchange.c            one request and its answer
 *     guard.c               addresses that nobody but the user may lead to
 *     names.c               names without an address
 *     client.c              options, shared caches, libcurl handles, waiting
 *     url.c                 URLs, as libcurl reads them
 */

#include "net/guard.h"
#include "net/http.h"
#include "net/names.h"

/*
 * A libcurl handle with all options of the client set, for one request; its connections stay open
 * when it is given back.
 */
void *http_client_take(struct http_client *client) CHECKED;
void http_client_give_back(struct http_client *client, void *handle);

/* What is known about a failed request. */
struct http_failure {
	bool sent;               /* something may have reached the server */
	bool unresolved;         /* the name does not resolve; it may be wrong */
	unsigned int tries_left; /* for that name */
};

/* Tries of one request; `failed` is reset to 0 after progress. */
struct http_tries {
	unsigned int most; /* 0: the client's */
	unsigned int failed;
};

/*
 * Counts a failed try and waits before the next: as long as the server asked (`asked_ms`; -1: it
 * did not), else twice as long each time, with jitter. Returns false at once when no tries are left
 * or the wait would be too long, and when a signal arrives. `why` is for the notice.
 */
bool http_client_pause(struct http_client *client, struct http_tries *tries, int64_t asked_ms,
		       const char *why);

/* What the client's requests learned about names; borrowed. */
struct http_names *http_client_names(struct http_client *client);

/* Allows fewer tries where the server's name may be wrong. */
void http_tries_limit(const struct http_client *client, struct http_tries *tries,
		      const struct http_failure *failure);

/*
 * Receives the body of a response piece by piece; `head` has its status and fields. On -1 the
 * transfer is aborted and fails with `err`.
 */
struct http_sink {
	int (*write)(void *context, const struct http_response *head, const void *bytes,
		     size_t length, struct error *err);
	void *context;
};

/* One request to one URL, which has been checked. */
struct http_exchange {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", ended by NULL */
	const struct http_body *body;
	bool once;            /* must not be sent twice */
	enum http_place from; /* place of the server that named the URL */
	struct progress_task *progress;
	struct http_sink sink;
};

/*
 * Fills status, headers, url and place of an empty `response`. Returns 0 after a complete response
 * of any status. On -1 `*ret_failure` has details.
 */
int http_exchange(struct http_client *client, const struct http_exchange *exchange,
		  struct http_response *response, struct http_failure *ret_failure,
		  struct error *err) CHECKED;

/*
 * The same with redirects, whose own bodies do not reach the sink. `range` holds further header
 * lines, ended by NULL, or is NULL.
 */
int
http_follow(struct http_client *client, const struct http_request *request,
	    const char *const *range, const struct http_sink *sink, struct http_response *response,
	    struct http_failure *ret_failure, struct error *err) CHECKED;

/* Whether a status is a temporary refusal; `*ret_asked_ms` is how long the server asks to wait. */
bool http_is_passing(const struct http_response *response, int64_t *ret_asked_ms);
