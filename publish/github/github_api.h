/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One request to GitHub, with pace, limits and repetition. For the files of publish/ only.
 */

#include "net/http.h"
#include "publish/github/github_json.h"
#include "publish/github/github_lag.h"
#include "publish/github/github_options.h"
#include "publish/publication.h"

#include <pthread.h>

/* Numbers of assets. */
struct github_ids {
	uint64_t *items;
	size_t count;
};

struct github {
	struct http_client *http; /* borrowed */
	char *api_url;            /* without a slash at its end */
	char *uploads_url;        /* where the token may go as well */
	char *repository;
	char *hint_path;     /* or NULL */
	char *authorization; /* or NULL */
	struct github_options options;
	struct pacer *pacer;
	pthread_mutex_t lock; /* for what follows */
	size_t requests;
	struct github_release remote; /* found or made by github_prepare() */
	struct github_ids hashed;     /* assets without a digest that were fetched and agree */
	struct github_ids removed;    /* assets that this run has removed */
};

enum github_kind {
	GITHUB_READ,   /* repeated after a failure */
	GITHUB_CHANGE, /* comes to the same when it is repeated; repeated too, and paced */
	GITHUB_CREATE, /* never repeated blindly, and paced */
};

struct github_request {
	enum github_kind kind;
	const char *method;
	const char *url;          /* absolute */
	const char *accept;       /* NULL: JSON */
	const char *content_type; /* of the body; NULL: JSON */
	const struct http_body *body;
	struct progress_task *progress;
	enum github_lag lag; /* what a 404 may mean as well; then it is asked again */
	bool heavy;          /* 502 and 504 are left to the caller, who can ask for less */
};

struct github_answer {
	struct http_response response;
	enum github_refusal refusal; /* when the request failed with an answer */
};

#define GITHUB_ANSWER_INIT {HTTP_RESPONSE_INIT, GITHUB_REFUSAL_OTHER}

void github_answer_clear(struct github_answer *answer);

/*
 * Sends a request and returns 0 for an answer of 2xx. Waits as GitHub asks when a limit is hit.
 * ERR_NOT_FOUND (404), ERR_DENIED (401, 403, 422), ERR_REMOTE (refused otherwise; GitHub's reason
 * is in the sentence, and `refusal` is set), ERR_NETWORK: no answer or 5xx, after all tries; after
 * GITHUB_CREATE it may have been done all the same.
 */
int github_call(struct github *github, const struct github_request *request,
		struct github_answer *ret_answer, struct error *err) CHECKED;

/* GET of `path` below the repository ("releases/latest"), or of an absolute URL. */
int github_get(struct github *github, const char *path, enum github_lag lag,
	       struct github_answer *ret_answer, struct error *err) CHECKED;

/* The absolute URL of a path below the repository, to be freed by the caller. */
char *github_url(const struct github *github, const char *path) CHECKED;

/* The same, but an absolute URL stays as it is. */
char *github_absolute(const struct github *github, const char *path_or_url) CHECKED;

/* Whether the token may be sent to this address. ERR_REMOTE if not. */
int github_check_url(const struct github *github, const char *url, struct error *err) CHECKED;

/*
 * The address of the next page of a list, to be freed, or NULL at its end. ERR_REMOTE: another
 * host.
 */
int github_next_page(const struct github *github, const struct github_answer *answer,
		     char **ret_url, struct error *err) CHECKED;

/*
 * Hands each page of the list at `path` to `read_page`, whose -1 ends it. ERR_REMOTE also for a
 * list that goes on at another host, or without end.
 */
int github_each_page(struct github *github, const char *path, enum github_lag lag,
		     int (*read_page)(void *context, const char *text, size_t length,
				      struct error *err),
		     void *context, struct error *err) CHECKED;

/* Says why, and waits before try number `failed` + 1. ERR_INTERRUPTED. */
int github_backoff(struct github *github, unsigned int failed, const char *why,
		   struct error *err) CHECKED;

/* The same, of as many looks as `lag` has. 1 to look again, 0 after the last, or -1. */
int github_look_again(struct github *github, enum github_lag lag, unsigned int looks,
		      const char *why, struct error *err) CHECKED;

/* A set of numbers, for any thread. */
bool github_ids_has(struct github *github, const struct github_ids *ids, uint64_t id);
void github_ids_add(struct github *github, struct github_ids *ids, uint64_t id);

void github_notice(struct github *github, const char *format, ...) PRINTF_LIKE(2, 3);

/* Fetches an asset's bytes into an empty file and hashes them. */
int github_read_asset(struct github *github, const struct github_asset *asset, int fd,
		      struct digest *ret_digest, struct error *err) CHECKED;

/* The same without keeping them. */
int github_hash_asset(struct github *github, const struct github_asset *asset,
		      struct digest *ret_digest, struct error *err) CHECKED;
