/* SPDX-License-Identifier: MIT */
#include "publish/github/github_api.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/progress.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A page of releases carries the assets of each, some 2 kB for one. */
static const size_t MAX_ANSWER = (size_t)64 << 20;

/* After so many refusals for the rate in a row something is wrong with the counting. */
enum { MAX_LIMITED = 20 };

/* Of 100 assets each; a list that does not end is a server's mistake. */
enum { MAX_PAGES = 1000 };

void
github_answer_clear(struct github_answer *answer)
{
	http_response_clear(&answer->response);
	answer->refusal = GITHUB_REFUSAL_OTHER;
}

void
github_notice(struct github *github, const char *format, ...)
{
	auto_free char *sentence = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&sentence, format, args) < 0)
		sentence = NULL;
	va_end(args);
	if (sentence != NULL && github->options.notice != NULL)
		github->options.notice(github->options.notice_context, sentence);
}

char *
github_url(const struct github *github, const char *path)
{
	return xasprintf("%s/repos/%s/%s", github->api_url, github->repository, path);
}

int
github_check_url(const struct github *github, const char *url, struct error *err)
{
	auto_free char *shown = NULL;

	if (http_url_same_origin(url, github->api_url) ||
	    http_url_same_origin(url, github->uploads_url) ||
	    /* Two ports of this machine are one party. */
	    (http_url_is_loopback(url) && http_url_is_loopback(github->api_url)))
		return 0;
	shown = http_url_redacted(url);
	return error_set(err, ERR_REMOTE,
			 "refusing to send anything to '%s', which is not a URL of '%s'", shown,
			 github->api_url);
}

int
github_next_page(const struct github *github, const struct github_answer *answer, char **ret_url,
		 struct error *err)
{
	auto_free char *link = http_next_link(http_response_header(&answer->response, "Link"));

	if (link != NULL && !http_url_same_origin(link, github->api_url)) {
		auto_free char *shown = http_url_redacted(link);

		return error_set(err, ERR_REMOTE,
				 "the next page of a list is at '%s', which is not a URL of '%s'",
				 shown, github->api_url);
	}
	*ret_url = TAKE(link);
	return 0;
}

/* Twice as long each time, and a quarter more or less so that several do not come in step. */
static double
backoff_sec(unsigned int first_ms, unsigned int failed)
{
	double seconds, part;

	assert(failed > 0);
	seconds = first_ms / 1000.0 * (double)(1u << (failed < 10 ? failed - 1 : 9));
	part = (double)((uint64_t)(monotonic_sec() * 1e6) % 1000) / 1000;

	return seconds * (0.75 + part / 2);
}

static int
wait_and_say(struct github *github, unsigned int failed, unsigned int tries, const char *why,
	     struct error *err)
{
	double seconds = backoff_sec(github->options.first_wait_ms, failed);

	github_notice(github, "%s; trying again in %.1f s (%u of %u)", why, seconds, failed + 1,
		      tries);
	return pacer_sleep(seconds, err);
}

int
github_backoff(struct github *github, unsigned int failed, const char *why, struct error *err)
{
	return wait_and_say(github, failed, github->options.tries, why, err);
}

int
github_look_again(struct github *github, enum github_lag lag, unsigned int looks, const char *why,
		  struct error *err)
{
	unsigned int most = github_lag_looks(&github->options, lag);

	if (looks >= most)
		return 0;
	return wait_and_say(github, looks, most, why, err) < 0 ? -1 : 1;
}

bool
github_ids_has(struct github *github, const struct github_ids *ids, uint64_t id)
{
	bool found = false;

	(void)pthread_mutex_lock(&github->lock);
	for (size_t i = 0; i < ids->count; i++)
		found = found || ids->items[i] == id;
	(void)pthread_mutex_unlock(&github->lock);
	return found;
}

void
github_ids_add(struct github *github, struct github_ids *ids, uint64_t id)
{
	(void)pthread_mutex_lock(&github->lock);
	ids->items = xgrow(ids->items, ids->count, sizeof(*ids->items));
	ids->items[ids->count++] = id;
	(void)pthread_mutex_unlock(&github->lock);
}

/* Whether an answer says "later", and in how many seconds. */
static bool
is_limited(const struct github *github, const struct http_response *response,
	   enum github_refusal refusal, unsigned int limited, double *ret_seconds)
{
	int64_t asked_ms = http_headers_retry_after_ms(&response->headers, time(NULL));

	if (response->status != 429 &&
	    !(response->status == 403 && (asked_ms >= 0 || refusal == GITHUB_REFUSAL_RATE_LIMIT)))
		return false;
	/* A second on top: the reset is told in whole seconds. */
	*ret_seconds = asked_ms >= 0
			       ? (double)asked_ms / 1000 + (asked_ms > 0 ? 1 : 0)
			       : backoff_sec(github->options.limit_wait_ms, limited + 1) * 4 / 3;
	return true;
}

static int
hold(struct github *github, double seconds, const char *reason, struct error *err)
{
	char until[16] = "";
	time_t then = time(NULL) + (time_t)seconds;
	struct tm local;

	if (seconds > github->options.max_wait_sec)
		return error_set(err, ERR_NETWORK,
				 "GitHub asks to wait %.0f s (%s); run the same command again "
				 "later to resume",
				 seconds, reason);
	if (localtime_r(&then, &local) != NULL)
		(void)strftime(until, sizeof(until), "%H:%M:%S", &local);
	/* Uploads under way at the same time are told the same. */
	if (pacer_hold(github->pacer, monotonic_sec(), seconds))
		github_notice(github, "GitHub asks to wait %.0f s, until %s: %s", seconds, until,
			      reason);
	return 0;
}

static int
wait_for_turn(struct github *github, enum github_kind kind, struct error *err)
{
	if (kind == GITHUB_READ)
		return pacer_wait_held(github->pacer, err);
	return pacer_wait(github->pacer, kind == GITHUB_CREATE ? PACER_CREATE : PACER_CHANGE, err);
}

static int
send(struct github *github, const struct github_request *request, struct http_response *response,
     struct error *err)
{
	auto_free char *accept =
		xasprintf("Accept: %s", request->accept != NULL ? request->accept
								: "application/vnd.github+json");
	auto_free char *type =
		xasprintf("Content-Type: %s", request->content_type != NULL ? request->content_type
									    : "application/json");
	const char *const headers[] = {accept, "X-GitHub-Api-Version: 2022-11-28",
				       request->body != NULL ? type : NULL, NULL};
	const struct http_request http = {
		.method = request->method,
		.url = request->url,
		.authorization = github->authorization,
		.headers = headers,
		.body = request->body,
		.max_response_bytes = MAX_ANSWER,
		.retry = HTTP_RETRY_NEVER,
		.progress = request->progress,
	};

	if (github_check_url(github, request->url, err) < 0)
		return -1;
	if (wait_for_turn(github, request->kind, err) < 0)
		return -1;
	(void)pthread_mutex_lock(&github->lock);
	github->requests++;
	(void)pthread_mutex_unlock(&github->lock);
	http_response_clear(response);
	return http_request(github->http, &http, response, err);
}

/*
 * Turns a refusal into an error that says what helps. Who is not allowed, or has named what is not
 * there, has to change something first: that is ERR_DENIED, or ERR_NOT_FOUND as of a file here.
 */
static int
refused(const struct github *github, const struct github_request *request,
	const struct http_response *response, enum github_refusal refusal, const char *reason,
	struct error *err)
{
	enum error_code code = ERR_REMOTE;

	switch (response->status) {
	case 401:
		return error_set(err, ERR_DENIED,
				 "%s: GITHUB_TOKEN is missing, wrong or has expired (%s)",
				 github->repository, reason);
	case 404:
		/* Who may read, but not write, is told that there is nothing as well. */
		return error_set(err, ERR_NOT_FOUND, "%s: not found, or the token cannot %s",
				 github->repository,
				 request->kind == GITHUB_READ
					 ? "see it"
					 : "change it, which requires 'contents: write'");
	default:
		break;
	}
	if (refusal == GITHUB_REFUSAL_INTEGRATION)
		return error_set(err, ERR_DENIED,
				 "%s: %s. The job needs 'permissions: contents: write'; and a "
				 "workflow's own token can release a commit that changes workflows "
				 "only if its tag exists",
				 github->repository, reason);
	/* With 422 comes what stays: rules, names that are used up. Only a taken name may get free. */
	if (response->status == 403 ||
	    (response->status == 422 && refusal != GITHUB_REFUSAL_ALREADY_EXISTS))
		code = ERR_DENIED;
	return error_set(err, code, "%s: GitHub refused it with status %d: %s", github->repository,
			 response->status, reason);
}

/* How often one request has met what. */
struct tries {
	unsigned int failed, limited, absent;
};

/* A 404 about what was written a moment ago: 1 again, 0 it is final, -1. */
static int
judge_absent(struct github *github, const struct github_request *request, struct tries *tries,
	     struct error *err)
{
	auto_free char *why = NULL;

	if (request->lag == GITHUB_LAG_NONE)
		return 0;
	why = xasprintf("%s: GitHub cannot find %s, perhaps not yet", github->repository,
			github_lag_what(request->lag));
	return github_look_again(github, request->lag, ++tries->absent, why, err);
}

/* What to do with one answer: 1 again, 0 done, -1 failed. */
static int
judge(struct github *github, const struct github_request *request, struct github_answer *answer,
      struct tries *tries, struct error *err)
{
	struct http_response *response = &answer->response;
	auto_free char *reason = NULL;
	double seconds;
	int again;

	if (response->status >= 200 && response->status < 300)
		return 0;
	answer->refusal = github_parse_refusal(response->body, response->length, &reason);
	if (is_limited(github, response, answer->refusal, tries->limited, &seconds)) {
		answer->refusal = GITHUB_REFUSAL_RATE_LIMIT;
		if (++tries->limited > MAX_LIMITED)
			return error_set(err, ERR_NETWORK, "still rate-limited by GitHub: %s",
					 reason);
		return hold(github, seconds, reason, err) < 0 ? -1 : 1;
	}
	if (response->status == 404 && (again = judge_absent(github, request, tries, err)) != 0)
		return again;
	if (response->status != 408 && response->status < 500)
		return refused(github, request, response, answer->refusal, reason, err);
	error_set(err, ERR_NETWORK, "%s: GitHub returned status %d: %s", github->repository,
		  response->status, reason);
	if (request->kind == GITHUB_CREATE ||
	    (request->heavy && (response->status == 502 || response->status == 504)) ||
	    ++tries->failed >= github->options.tries)
		return -1;
	return github_backoff(github, tries->failed, err->message, err) < 0 ? -1 : 1;
}

int
github_call(struct github *github, const struct github_request *request,
	    struct github_answer *ret_answer, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	struct tries tries = {0, 0, 0};
	int again;

	github_answer_clear(ret_answer);
	do {
		if (send(github, request, &answer.response, err) == 0) {
			again = judge(github, request, &answer, &tries, err);
			continue;
		}
		if (interrupt_pending())
			return interrupt_check(err);
		if (err->code != ERR_NETWORK || request->kind == GITHUB_CREATE ||
		    ++tries.failed >= github->options.tries)
			return -1;
		if (github_backoff(github, tries.failed, err->message, err) < 0)
			return -1;
		again = 1;
	} while (again > 0);
	*ret_answer = answer;
	answer = (struct github_answer)GITHUB_ANSWER_INIT;
	return again;
}

char *
github_absolute(const struct github *github, const char *path_or_url)
{
	return strstr(path_or_url, "://") != NULL ? xstrdup(path_or_url)
						  : github_url(github, path_or_url);
}

int
github_get(struct github *github, const char *path, enum github_lag lag,
	   struct github_answer *ret_answer, struct error *err)
{
	auto_free char *url = github_absolute(github, path);
	const struct github_request request = {
		.kind = GITHUB_READ, .method = "GET", .url = url, .lag = lag};

	return github_call(github, &request, ret_answer, err);
}

int
github_each_page(struct github *github, const char *path, enum github_lag lag,
		 int (*read_page)(void *context, const char *text, size_t length,
				  struct error *err),
		 void *context, struct error *err)
{
	auto_free char *url = xstrdup(path);

	for (size_t pages = 0; url != NULL; pages++) {
		AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
		auto_free char *next = NULL;

		if (pages >= MAX_PAGES)
			return error_set(err, ERR_REMOTE, "the list has more than %d pages",
					 (int)MAX_PAGES);
		if (github_get(github, url, lag, &answer, err) < 0 ||
		    read_page(context, answer.response.body, answer.response.length, err) < 0 ||
		    github_next_page(github, &answer, &next, err) < 0)
			return -1;
		free(url);
		url = TAKE(next);
	}
	return 0;
}

/* One try of a download. */
static int
download_asset(struct github *github, const struct github_asset *asset, const char *url, int fd,
	       struct digest *ret_digest, struct error *err)
{
	static const char *const headers[] = {"Accept: application/octet-stream",
					      "X-GitHub-Api-Version: 2022-11-28", NULL};
	const struct http_request request = {
		.url = url, .authorization = github->authorization, .headers = headers};
	struct http_downloaded downloaded;

	if (pacer_wait_held(github->pacer, err) < 0)
		return -1;
	(void)pthread_mutex_lock(&github->lock);
	github->requests++;
	(void)pthread_mutex_unlock(&github->lock);
	if (http_download(
		    github->http, &request,
		    &(struct http_download){
			    .fd = fd, .name = asset->name, .max_bytes = asset->size, .exact = true},
		    &downloaded, err) < 0)
		return -1;
	*ret_digest = downloaded.sha256;
	return 0;
}

/*
 * A download that is refused does not say why. Asking for the asset's description meets the same
 * refusal with its reason, waits where that is a limit, and ends where it is final.
 */
int
github_read_asset(struct github *github, const struct github_asset *asset, int fd,
		  struct digest *ret_digest, struct error *err)
{
	auto_free char *path = xasprintf("releases/assets/%llu", (unsigned long long)asset->id);
	auto_free char *url = github_url(github, path);

	for (unsigned int failed = 1;; failed++) {
		AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
		struct error why;

		if (download_asset(github, asset, url, fd, ret_digest, err) == 0)
			return 0;
		why = *err;
		if ((why.code != ERR_REMOTE && why.code != ERR_NETWORK) ||
		    failed >= github->options.tries ||
		    github_get(github, path, GITHUB_LAG_NONE, &answer, err) < 0 ||
		    github_backoff(github, failed, why.message, err) < 0)
			return error_prefix(err, "cannot read '%s' back", asset->name);
	}
}

int
github_hash_asset(struct github *github, const struct github_asset *asset,
		  struct digest *ret_digest, struct error *err)
{
	auto_close int fd = memfd_create("asset", MFD_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot allocate space for '%s'", asset->name);
	return github_read_asset(github, asset, fd, ret_digest, err);
}
