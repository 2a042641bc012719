/* SPDX-License-Identifier: MIT */
#include "net/http_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

struct state {
	const struct http_exchange *exchange;
	CURL *handle;
	struct http_response *response;
	struct error *err;
	uint64_t body_position;
	bool failed; /* a callback has filled `err` */
};

static size_t
on_header(char *line, size_t one, size_t length, void *context)
{
	struct state *state = context;

	(void)one;
	/* Each answer begins with a status line, the passing ones (100 Continue) too. */
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		http_headers_clear(&state->response->headers);
		return length;
	}
	if (http_headers_add(&state->response->headers, line, length))
		return length;
	state->failed = true;
	error_set(state->err, ERR_REMOTE, "too many header fields");
	return 0;
}

static void
note_status(struct state *state)
{
	long status = 0;

	(void)curl_easy_getinfo(state->handle, CURLINFO_RESPONSE_CODE, &status);
	state->response->status = (int)status;
}

static size_t
on_body(char *bytes, size_t one, size_t length, void *context)
{
	struct state *state = context;
	const struct http_sink *sink = &state->exchange->sink;

	(void)one;
	note_status(state);
	if (sink->write(sink->context, state->response, bytes, length, state->err) == 0)
		return length;
	state->failed = true;
	return 0;
}

static ssize_t
read_body(const struct http_body *body, uint64_t position, char *buffer, size_t room)
{
	ssize_t n;

	if (room > body->size - position)
		room = (size_t)(body->size - position);
	if (body->bytes != NULL) {
		memcpy(buffer, (const char *)body->bytes + position, room);
		return (ssize_t)room;
	}
	do
		n = pread(body->fd, buffer, room, (off_t)(body->offset + position));
	while (n < 0 && errno == EINTR);
	return n;
}

static size_t
on_send(char *buffer, size_t one, size_t room, void *context)
{
	struct state *state = context;
	const struct http_body *body = state->exchange->body;
	ssize_t n;

	room *= one;
	if (state->body_position == body->size)
		return 0;
	n = read_body(body, state->body_position, buffer, room);
	if (n <= 0) {
		state->failed = true;
		if (n < 0)
			error_set_errno(state->err, ERR_IO, "cannot read the file to upload");
		else
			error_set(state->err, ERR_IO,
				  "the file to upload shrank during the upload");
		return CURL_READFUNC_ABORT;
	}
	state->body_position += (uint64_t)n;
	progress_add(state->exchange->progress, (uint64_t)n);
	return (size_t)n;
}

/* libcurl rewinds when a kept connection turns out to be dead. */
static int
on_seek(void *context, curl_off_t offset, int origin)
{
	struct state *state = context;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > state->exchange->body->size)
		return CURL_SEEKFUNC_FAIL;
	state->body_position = (uint64_t)offset;
	progress_set(state->exchange->progress, (uint64_t)offset);
	return CURL_SEEKFUNC_OK;
}

/* Called at least once a second, whatever the server does. */
static int
on_tick(void *context, curl_off_t total, curl_off_t now, curl_off_t send_total, curl_off_t sent)
{
	struct state *state = context;

	(void)total;
	(void)now;
	(void)send_total;
	(void)sent;
	if (interrupt_check(state->err) == 0)
		return 0;
	state->failed = true;
	return 1;
}

static void
slist_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static void
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		out_of_memory();
	*list = longer;
}

static struct curl_slist *
make_headers(const char *const *lines)
{
	/* A server that ignores "Expect: 100-continue" costs a second for each request. */
	struct curl_slist *list = NULL;

	add_header(&list, "Expect:");
	for (; lines != NULL && *lines != NULL; lines++)
		add_header(&list, *lines);
	return list;
}

static void
set_method(CURL *handle, struct state *state)
{
	const struct http_exchange *exchange = state->exchange;

	if (strcmp(exchange->method, "HEAD") == 0) {
		(void)curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
		return;
	}
	if (exchange->body != NULL) {
		progress_set(exchange->progress, 0);
		(void)curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
				       (curl_off_t)exchange->body->size);
		(void)curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_send);
		(void)curl_easy_setopt(handle, CURLOPT_READDATA, state);
		(void)curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek);
		(void)curl_easy_setopt(handle, CURLOPT_SEEKDATA, state);
	}
	if (exchange->body != NULL || strcmp(exchange->method, "GET") != 0)
		(void)curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, exchange->method);
}

/* What a failure of libcurl means for the caller. */
static enum error_code
classify(CURLcode code, struct http_failure *ret_failure)
{
	ret_failure->sent = true;
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
		ret_failure->unresolved = true;
		ret_failure->sent = false;
		return ERR_NETWORK;
	case CURLE_COULDNT_CONNECT:
		ret_failure->sent = false;
		return ERR_NETWORK;
	case CURLE_GOT_NOTHING:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_PROXY:
		return ERR_NETWORK;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return ERR_VERIFY;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_IO;
	case CURLE_FILE_COULDNT_READ_FILE:
		return ERR_NOT_FOUND;
	default:
		return ERR_REMOTE;
	}
}

static int
fail(CURLcode code, const char *detail, const struct state *state, const struct http_guard *guard,
     struct http_names *names, struct http_failure *ret_failure)
{
	auto_free char *shown = http_url_redacted(state->exchange->url);
	enum error_code kind = classify(code, ret_failure);
	const char *why = *detail != '\0' ? detail : curl_easy_strerror(code);

	if (ret_failure->unresolved)
		ret_failure->tries_left = http_names_failed(names, state->exchange->url, why);

	if (state->failed && state->err->code == ERR_INTERRUPTED)
		return -1;
	/* Of several addresses another one may have been connected: then it is not why it failed. */
	if (guard->refused != HTTP_PLACE_ANY &&
	    (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK))
		return error_set(state->err, ERR_REMOTE,
				 "'%s' is at %s (%s); a server elsewhere must not lead there",
				 shown, http_place_text(guard->refused), guard->address);
	if (state->failed)
		return error_prefix(state->err, "'%s'", shown);
	return error_set(state->err, kind, "'%s': %s", shown, why);
}

/* A name that has been tried often enough fails at once, in the words of the last time. */
static int
check_name(struct http_names *names, const char *url, struct http_failure *ret_failure,
	   struct error *err)
{
	auto_free char *why = http_names_refusal(names, url);
	auto_free char *shown = NULL;

	if (why == NULL)
		return 0;
	shown = http_url_redacted(url);
	*ret_failure = (struct http_failure){.unresolved = true};
	return error_set(err, ERR_NETWORK, "'%s': %s", shown, why);
}

/*
 * To libcurl a file that cannot be opened is not found, and one that cannot be read ends there. The
 * one may be called absent only if it is, the other is not a file of another size.
 */
static int
check_file(CURL *handle, CURLcode code, const char *url, struct error *err)
{
	auto_free char *path = http_url_file(url), *shown = NULL;
	curl_off_t want = 0, have = 0;
	bool there;

	if (path == NULL || (code != CURLE_OK && code != CURLE_FILE_COULDNT_READ_FILE))
		return 0;
	shown = http_url_redacted(url);
	if (code != CURLE_OK) {
		if (path_exists(path, &there, err) < 0)
			return -1;
		return there ? error_set(err, ERR_IO, "cannot read '%s'", shown) : 0;
	}
	if (curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &want) == CURLE_OK &&
	    curl_easy_getinfo(handle, CURLINFO_SIZE_DOWNLOAD_T, &have) == CURLE_OK && have < want)
		return error_set(err, ERR_IO, "cannot read all of '%s'", shown);
	return 0;
}

int
http_exchange(struct http_client *client, const struct http_exchange *exchange,
	      struct http_response *response, struct http_failure *ret_failure, struct error *err)
{
	AUTO(slist_freep) struct curl_slist *headers = make_headers(exchange->headers);
	struct http_names *names = http_client_names(client);
	CURL *handle;
	struct state state = {exchange, NULL, response, err, 0, false};
	struct http_guard guard = {.from = exchange->from,
				   .url = exchange->url,
				   .direct = http_url_is_loopback(exchange->url)};
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;
	int checked;

	if (check_name(names, exchange->url, ret_failure, err) < 0)
		return -1;
	*ret_failure = (struct http_failure){.sent = true};
	handle = state.handle = http_client_take(client);
	response->url = xstrdup(exchange->url);
	(void)curl_easy_setopt(handle, CURLOPT_URL, exchange->url);
	(void)curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https,http,file");
	(void)curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(handle, CURLOPT_HEADERDATA, &state);
	(void)curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(handle, CURLOPT_WRITEDATA, &state);
	(void)curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
	(void)curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_tick);
	(void)curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &state);
	if (guard.direct)
		(void)curl_easy_setopt(handle, CURLOPT_PROXY, "");
	/* On a kept connection that turns out to be dead libcurl would send any method again. */
	if (exchange->once)
		(void)curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
	set_method(handle, &state);
	http_guard_install(&guard, handle);
	code = curl_easy_perform(handle);
	note_status(&state);
	/* file:// is not a server: what it names is named by a file of this machine. */
	if (response->status != 0) {
		response->place = http_guard_place(&guard, handle);
		http_names_answered(names, exchange->url);
	}
	checked = state.failed ? 0 : check_file(handle, code, exchange->url, err);
	http_client_give_back(client, handle);
	if (checked < 0)
		return -1;
	return code == CURLE_OK ? 0 : fail(code, detail, &state, &guard, names, ret_failure);
}
