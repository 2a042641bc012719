/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the files of net/ share with each other and with nobody else.
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
 * A libcurl handle with all options of the client set, for one request; given back with its
 * connections open.
 */
void *http_client_take(struct http_client *client) CHECKED;
void http_client_give_back(struct http_client *client, void *handle);

/* What is known of a request that failed. */
struct http_failure {
	bool sent;               /* something may have reached the server */
	bool unresolved;         /* the name has no address: perhaps it is a wrong one */
	unsigned int tries_left; /* of that name */
};

/* Tries of one request; `failed` is zeroed again when there was progress. */
struct http_tries {
	unsigned int most; /* 0: the client's */
	unsigned int failed;
};

/*
 * Counts a failed try and waits before the next: as long as the server asked (`asked_ms`, -1: it
 * did not), else twice as long each time, with jitter. Returns false at once when the tries are
 * used up or the wait would be too long, and when a signal came. `why` is for the notice.
 */
bool http_client_pause(struct http_client *client, struct http_tries *tries, int64_t asked_ms,
		       const char *why);

/* What all requests of the client have learned of names; borrowed. */
struct http_names *http_client_names(struct http_client *client);

/* Fewer of them where the name of the server may be wrong. */
void http_tries_limit(const struct http_client *client, struct http_tries *tries,
		      const struct http_failure *failure);

/*
 * Takes the body of an answer piece by piece; `head` has its status and fields. On -1 the transfer
 * is cut and fails with `err`.
 */
struct http_sink {
	int (*write)(void *context, const struct http_response *head, const void *bytes,
		     size_t length, struct error *err);
	void *context;
};

/* One request to one URL, which is checked already. */
struct http_exchange {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", ended by NULL */
	const struct http_body *body;
	bool once;            /* must not be sent twice */
	enum http_place from; /* where the server is that named the URL */
	struct progress_task *progress;
	struct http_sink sink;
};

/*
 * Fills status, headers, url and place of an empty `response`. Returns 0 after a complete answer of
 * any status. On -1 `*ret_failure` says more.
 */
int http_exchange(struct http_client *client, const struct http_exchange *exchange,
		  struct http_response *response, struct http_failure *ret_failure,
		  struct error *err) CHECKED;

/*
 * The same with redirects, whose own pages do not reach the sink. `range` holds further header
 * lines, ended by NULL, or is NULL.
 */
int
http_follow(struct http_client *client, const struct http_request *request,
	    const char *const *range, const struct http_sink *sink, struct http_response *response,
	    struct http_failure *ret_failure, struct error *err) CHECKED;

/* Whether a status is a passing refusal; `*ret_asked_ms` is how long the server asks to wait. */
bool http_is_passing(const struct http_response *response, int64_t *ret_asked_ms);
