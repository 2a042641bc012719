/* SPDX-License-Identifier: MIT */
#include "net/http.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/strbuf.h"
#include "net/http_internal.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	MAX_REDIRECTS = 5,
	MAX_HEADERS = 32,
	DEFAULT_RESPONSE_BYTES = 1 << 20,
	MAX_PAGE_BYTES = 1 << 20, /* of what a redirect says to people */
};

void
http_response_clear(struct http_response *response)
{
	http_headers_clear(&response->headers);
	free(response->body);
	free(response->url);
	*response = (struct http_response)HTTP_RESPONSE_INIT;
}

const char *
http_response_header(const struct http_response *response, const char *name)
{
	return http_headers_get(&response->headers, name, 0);
}

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{400, "bad request"},
		{401, "unauthorized"},
		{403, "forbidden"},
		{404, "not found"},
		{405, "method not allowed"},
		{407, "proxy authentication required"},
		{408, "request timeout"},
		{409, "conflict"},
		{410, "gone"},
		{411, "length required"},
		{412, "precondition failed"},
		{413, "content too large"},
		{416, "range not satisfiable"},
		{422, "unprocessable content"},
		{429, "too many requests"},
		{500, "internal server error"},
		{501, "not implemented"},
		{502, "bad gateway"},
		{503, "service unavailable"},
		{504, "gateway timeout"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "unexpected";
}

static bool
is_passing_status(int status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

bool
http_is_passing(const struct http_response *response, int64_t *ret_asked_ms)
{
	*ret_asked_ms = http_headers_retry_after_ms(&response->headers, time(NULL));
	/* Exhausted rate limits come as 403 too, and say when they end. */
	return is_passing_status(response->status) ||
	       (response->status == 403 && *ret_asked_ms >= 0);
}

bool
http_head_is_refused(const struct http_response *response)
{
	return response->status == 403 || response->status == 405 || response->status == 501;
}

int
http_response_check(const struct http_response *response, struct error *err)
{
	auto_free char *shown = NULL;
	enum error_code code = ERR_REMOTE;
	int64_t asked_ms;

	if (response->status == 0 || (response->status >= 200 && response->status < 300))
		return 0;
	shown = http_url_redacted(response->url);
	if (response->status == 404 || response->status == 410)
		return error_set_absent(err, "'%s': status %d, %s", shown, response->status,
					reason(response->status));
	if (http_is_passing(response, &asked_ms))
		code = ERR_NETWORK;
	else if (response->status == 401 || response->status == 403 || response->status == 407)
		code = ERR_DENIED;
	return error_set(err, code, "'%s': status %d, %s", shown, response->status,
			 reason(response->status));
}

/* The same host, perhaps at another port. */
static bool
same_name(const char *one, const char *other)
{
	auto_free char *a = http_url_name(one);
	auto_free char *b = http_url_name(other);

	return strcasecmp(a, b) == 0;
}

int
http_response_location(const struct http_response *response, unsigned int allow, char **ret_url,
		       struct error *err)
{
	const char *location = http_response_header(response, "Location");
	auto_free char *from = http_url_redacted(response->url);
	auto_free char *next = NULL;

	if (location == NULL)
		return error_set(err, ERR_REMOTE, "'%s': status %d without a Location field", from,
				 response->status);
	if (http_url_resolve(response->url, location, &next, err) < 0)
		return -1;
	if (http_url_check(next, allow & ~(unsigned int)HTTP_ALLOW_FILE, err) < 0) {
		err->code = ERR_REMOTE;
		return error_prefix(err, "'%s' redirects to a URL that is not allowed", from);
	}
	if (http_url_has_scheme(response->url, "https") && !http_url_has_scheme(next, "https")) {
		auto_free char *to = http_url_redacted(next);

		return error_set(
			err, ERR_REMOTE, "'%s' redirects from https to '%s'%s", from, to,
			same_name(response->url, next)
				? "; the proxy in front of it must set 'X-Forwarded-Proto: https'"
				: "");
	}
	/* Through a proxy nobody sees the address: what is written there has to do. */
	if (http_url_is_loopback(next) && !http_url_is_loopback(response->url) &&
	    response->place != HTTP_PLACE_HERE)
		return error_set(err, ERR_REMOTE, "'%s' redirects to this machine itself", from);
	*ret_url = TAKE(next);
	return 0;
}

/* Fields that say nothing about who asks; all others stay with the first origin. */
static bool
is_harmless_header(const char *line)
{
	static const char *const names[] = {
		"Accept:",   "Content-Type:", "Content-Range:", "If-None-Match:",
		"If-Range:", "Range:",        "If-Match:",      "Content-Length:"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncasecmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static size_t
add_lines(const char **lines, size_t count, const char *const *more, bool only_harmless)
{
	for (; more != NULL && *more != NULL; more++) {
		if (only_harmless && !is_harmless_header(*more))
			continue;
		assert(count < MAX_HEADERS);
		lines[count++] = *more;
	}
	return count;
}

/* Whether the answer is a redirect that is followed for this method. */
static bool
is_redirect(const char *method, int status)
{
	if (status == 307 || status == 308)
		return true;
	return (status == 301 || status == 302 || status == 303) &&
	       (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

/* A line break inside a field, say at the end of a token, would begin another one. */
static int
check_lines(const char *const *lines, struct error *err)
{
	for (; *lines != NULL; lines++)
		if (strpbrk(*lines, "\r\n") != NULL)
			return error_set(err, ERR_INPUT, "line break in the header field '%.*s'",
					 (int)strcspn(*lines, ": \r\n"), *lines);
	return 0;
}

static bool
is_method(const char *method, const char *one, const char *two, const char *three)
{
	return strcmp(method, one) == 0 || strcmp(method, two) == 0 || strcmp(method, three) == 0;
}

/* `done_nothing`: the server cannot have acted on it. */
static bool
may_repeat(const struct http_request *request, bool done_nothing)
{
	const char *method = request->method != NULL ? request->method : "GET";

	if (request->retry == HTTP_RETRY_SAFE)
		return done_nothing || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	return request->retry == HTTP_RETRY_ALWAYS;
}

/* One request on its way through redirects, whose pages are not a part of what is asked for. */
struct journey {
	const struct http_request *request;
	const char *method;
	const char *const *range;
	const struct http_sink *sink;
	bool away; /* from the origin of the request */
	enum http_place from;
	size_t page_bytes;
};

static int
write_last(void *context, const struct http_response *head, const void *bytes, size_t length,
	   struct error *err)
{
	struct journey *journey = context;

	if (!is_redirect(journey->method, head->status))
		return journey->sink->write(journey->sink->context, head, bytes, length, err);
	journey->page_bytes += length;
	if (journey->page_bytes <= MAX_PAGE_BYTES)
		return 0;
	return error_set(err, ERR_REMOTE, "status %d with an oversized error body", head->status);
}

static int
visit(struct http_client *client, struct journey *journey, const char *url,
      struct http_response *response, struct http_failure *ret_failure, struct error *err)
{
	static const struct http_body nothing = {.bytes = ""};
	const struct http_request *request = journey->request;
	const char *lines[MAX_HEADERS + 2];
	auto_free char *authorization = NULL;
	struct http_exchange exchange = {
		.method = journey->method,
		.url = url,
		.headers = lines,
		.body = request->body,
		.once = !may_repeat(request, false),
		.from = journey->from,
		.progress = request->progress,
		.sink = {write_last, journey},
	};
	size_t count = add_lines(lines, 0, request->headers, journey->away);

	journey->page_bytes = 0;
	count = add_lines(lines, count, journey->range, false);
	if (request->authorization != NULL && !journey->away) {
		authorization = xasprintf("Authorization: %s", request->authorization);
		lines[count++] = authorization;
	}
	lines[count] = NULL;
	if (check_lines(lines, err) < 0)
		return -1;
	/* Without "Content-Length: 0" some servers answer 411. */
	if (exchange.body == NULL && is_method(exchange.method, "POST", "PUT", "PATCH"))
		exchange.body = &nothing;
	return http_exchange(client, &exchange, response, ret_failure, err);
}

/* Where the answer leads to, which may be asked next. */
static int
turn(struct journey *journey, const struct http_response *response, char **ret_next,
     struct error *err)
{
	const struct http_request *request = journey->request;
	auto_free char *next = NULL;

	if (http_response_location(response, request->allow, &next, err) < 0)
		return -1;
	/* Once away, always away: what comes next is the other origin's choice. */
	journey->away = journey->away || !http_url_same_origin(request->url, next);
	journey->from = response->place;
	if (journey->away && request->stay) {
		auto_free char *from = http_url_redacted(request->url);
		auto_free char *to = http_url_redacted(next);

		return error_set(err, ERR_REMOTE,
				 "refusing to follow a redirect from '%s' to '%s' with credentials",
				 from, to);
	}
	*ret_next = TAKE(next);
	return 0;
}

int
http_follow(struct http_client *client, const struct http_request *request,
	    const char *const *range, const struct http_sink *sink, struct http_response *response,
	    struct http_failure *ret_failure, struct error *err)
{
	struct journey journey = {
		.request = request,
		.method = request->method != NULL ? request->method : "GET",
		.range = range,
		.sink = sink,
		.from = request->named_by,
	};
	auto_free char *url = xstrdup(request->url);

	*ret_failure = (struct http_failure){.sent = false};
	if (http_url_check(url, request->allow, err) < 0)
		return -1;
	for (int redirects = 0;; redirects++) {
		char *next = NULL;

		http_response_clear(response);
		if (visit(client, &journey, url, response, ret_failure, err) < 0)
			return -1;
		if (!is_redirect(journey.method, response->status))
			return 0;
		if (redirects == MAX_REDIRECTS) {
			auto_free char *shown = http_url_redacted(request->url);

			return error_set(err, ERR_REMOTE, "'%s': more than %d redirects", shown,
					 MAX_REDIRECTS);
		}
		if (turn(&journey, response, &next, err) < 0)
			return -1;
		free(url);
		url = next;
	}
}

struct memory {
	struct strbuf text;
	size_t max_bytes;
	bool head_only;
	bool cut; /* the head was all that is wanted, and more than a little came */
};

static int
write_memory(void *context, const struct http_response *head, const void *bytes, size_t length,
	     struct error *err)
{
	struct memory *memory = context;

	if (memory->head_only && head->status >= 200 && head->status <= 299) {
		memory->cut = true;
		return error_set(err, ERR_REMOTE, "the body is not needed");
	}
	strbuf_add(&memory->text, bytes, length);
	if (!memory->text.overflow)
		return 0;
	return error_set(err, ERR_REMOTE, "the response is larger than %zu bytes",
			 memory->max_bytes);
}

static int
request_once(struct http_client *client, const struct http_request *request,
	     struct http_response *response, struct http_failure *ret_failure, struct error *err)
{
	size_t max = request->max_response_bytes != 0 ? request->max_response_bytes
						      : DEFAULT_RESPONSE_BYTES;
	struct memory memory = {STRBUF_INIT, max, request->head_only, false};
	struct http_sink sink = {write_memory, &memory};
	int result;

	memory.text.max_length = max;
	result = http_follow(client, request, NULL, &sink, response, ret_failure, err);
	if (result < 0 && memory.cut && err->code != ERR_INTERRUPTED) {
		*err = (struct error)ERROR_INIT;
		result = 0;
	}
	response->length = memory.text.length;
	if (result == 0)
		response->body = strbuf_take(&memory.text);
	strbuf_clear(&memory.text);
	return result;
}

/* Tries of a request: of passing failures, and of refusals that may be gone a moment later. */
struct patience {
	struct http_tries failures;
	struct http_tries refusals;
};

/* After no answer. Waits, and says whether to ask again. */
static bool
again_without_answer(struct http_client *client, const struct http_request *request,
		     const struct http_failure *failure, struct patience *patience,
		     const struct error *err)
{
	if (err->code != ERR_NETWORK || !may_repeat(request, !failure->sent))
		return false;
	http_tries_limit(client, &patience->failures, failure);
	return http_client_pause(client, &patience->failures, -1, err->message);
}

/* The same after an answer. */
static bool
again_after(struct http_client *client, const struct http_request *request,
	    const struct http_response *response, struct patience *patience)
{
	unsigned int most = http_again_tries(request->again, response->status);
	struct error refusal = ERROR_INIT;
	int64_t asked_ms = -1;
	bool passing = http_is_passing(response, &asked_ms);

	if (http_response_check(response, &refusal) == 0)
		return false;
	if (passing)
		return may_repeat(request, response->status == 429) &&
		       http_client_pause(client, &patience->failures, asked_ms, refusal.message);
	/* A server that refuses has done nothing. */
	if (most <= 1 || request->retry == HTTP_RETRY_NEVER)
		return false;
	patience->refusals.most = most;
	return http_client_pause(client, &patience->refusals, -1, refusal.message);
}

int
http_request(struct http_client *client, const struct http_request *request,
	     struct http_response *ret_response, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct patience patience = {.failures = {.most = request->tries}};
	struct http_failure failure;
	bool again;
	int result;

	do {
		result = request_once(client, request, &response, &failure, err);
		again = result < 0 ? again_without_answer(client, request, &failure, &patience, err)
				   : again_after(client, request, &response, &patience);
	} while (again);
	if (interrupt_check(err) < 0 || result < 0)
		return -1;
	http_response_clear(ret_response);
	*ret_response = response;
	response = (struct http_response)HTTP_RESPONSE_INIT;
	return 0;
}

int
http_get(struct http_client *client, const char *url, unsigned int allow, size_t max_bytes,
	 char **ret_text, size_t *ret_length, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = url, .allow = allow, .max_response_bytes = max_bytes};

	if (http_request(client, &request, &response, err) < 0)
		return -1;
	if (http_response_check(&response, err) < 0)
		return -1;
	if (ret_length != NULL)
		*ret_length = response.length;
	*ret_text = TAKE(response.body);
	return 0;
}
