/* SPDX-License-Identifier: MIT */
#include "net/http.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/number.h"
#include "base/progress.h"
#include "net/http_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
	/* So much further than ever before: the server is worth another round of tries. */
	PROGRESS_BYTES_MIN = 64 << 10,
	ERROR_BODY_MAX = 1 << 20,
};

struct state {
	const struct http_download *want;
	const char *shown;     /* the URL without secrets */
	struct hasher *hasher; /* of the first `have` bytes */
	uint64_t have;
	uint64_t received;
	uint64_t furthest; /* the most that `have` was at the end of a try */
	uint64_t ignored;  /* bytes of the body of a refusal */
	char *etag;        /* strong, of the file that the bytes come from; or NULL */
	bool ranged;       /* this try asked for the rest only */
	bool begun;        /* the head of this answer has been looked at */
	bool start_over;   /* the rest that was offered does not fit; ask for all of it */
	bool resumed;      /* what is in the file did not come in one piece */
	struct http_failure failure;
};

static int
forget(struct state *s, struct error *err)
{
	struct digest discarded;

	if (s->have != 0 && ftruncate(s->want->fd, 0) < 0)
		return error_set_errno(err, ERR_IO, "cannot truncate '%s'", s->want->name);
	hasher_finish(s->hasher, &discarded);
	s->have = 0;
	s->resumed = false;
	progress_set(s->want->progress, 0);
	return 0;
}

/* Hashes the bytes that are there from before. */
static int
take_up(struct state *s, struct error *err)
{
	enum { CHUNK = 256 << 10 };
	auto_free uint8_t *chunk = NULL;
	uint64_t end = s->want->resume_from <= s->want->max_bytes ? s->want->resume_from : 0;

	/* Whatever else is in the file must not be left behind what comes. */
	if (ftruncate(s->want->fd, (off_t)end) < 0)
		return error_set_errno(err, ERR_IO, "cannot truncate '%s'", s->want->name);
	chunk = xmalloc(CHUNK);
	while (s->have < end) {
		size_t n = end - s->have < CHUNK ? (size_t)(end - s->have) : CHUNK;

		if (read_at(s->want->fd, s->have, chunk, n, s->want->name, err) < 0)
			return -1;
		hasher_update(s->hasher, chunk, n);
		s->have += n;
	}
	s->resumed = end != 0;
	progress_set(s->want->progress, s->have);
	return 0;
}

static bool
length_is_wrong(const struct state *s, uint64_t length)
{
	return length > s->want->max_bytes || (s->want->exact && length != s->want->max_bytes);
}

static int
refuse_length(const struct state *s, uint64_t length, struct error *err)
{
	return error_set(err, ERR_VERIFY, "size mismatch: server has %llu bytes, expected%s %llu",
			 (unsigned long long)length, s->want->exact ? "" : " at most",
			 (unsigned long long)s->want->max_bytes);
}

static void
remember_etag(struct state *s, const struct http_response *head)
{
	const char *etag = http_headers_get(&head->headers, "ETag", 0);

	free(TAKE(s->etag));
	/* Only a strong one may be used with If-Range (RFC 9110, 13.1.5). */
	if (etag != NULL && etag[0] == '"')
		s->etag = xstrdup(etag);
}

/* The whole file comes, asked for or because the server does not do ranges. */
static int
begin_whole(struct state *s, const struct http_response *head, struct error *err)
{
	const char *field = http_headers_get(&head->headers, "Content-Length", 0);
	uint64_t length;

	if (field != NULL && parse_uint(field, UINT64_MAX, &length) && length_is_wrong(s, length))
		return refuse_length(s, length, err);
	if (forget(s, err) < 0)
		return -1;
	remember_etag(s, head);
	return 0;
}

/* The rest of the file comes, if it is the rest and of the same file. */
static int
begin_rest(struct state *s, const struct http_response *head, struct error *err)
{
	const char *field = http_headers_get(&head->headers, "Content-Range", 0);
	const char *etag = http_headers_get(&head->headers, "ETag", 0);
	struct http_content_range range;

	if (!s->ranged)
		return error_set(err, ERR_REMOTE,
				 "the server sent part of the file instead of all of it");
	if (field == NULL || !http_parse_content_range(field, &range) || range.first != s->have ||
	    (range.total != UINT64_MAX && length_is_wrong(s, range.total)) ||
	    (s->etag != NULL && etag != NULL && strcmp(s->etag, etag) != 0)) {
		s->start_over = true;
		return error_set(err, ERR_REMOTE,
				 "the server sent another range than the requested one");
	}
	if (s->etag == NULL)
		remember_etag(s, head);
	s->resumed = true;
	return 0;
}

static int
begin(struct state *s, const struct http_response *head, struct error *err)
{
	if (s->begun)
		return 0;
	s->begun = true;
	return head->status == 206 ? begin_rest(s, head, err) : begin_whole(s, head, err);
}

/* Statuses whose body is the file; 0 is file://. */
static bool
has_content(const struct http_response *head)
{
	return head->status == 200 || head->status == 206 || head->status == 0;
}

static int
pwrite_all(const struct state *s, const uint8_t *bytes, size_t length, struct error *err)
{
	uint64_t offset = s->have;

	while (length != 0) {
		ssize_t n = pwrite(s->want->fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot write '%s'", s->want->name);
		bytes += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static int
write_file_part(void *context, const struct http_response *head, const void *bytes, size_t length,
		struct error *err)
{
	struct state *s = context;

	if (!has_content(head)) {
		s->ignored += length;
		if (s->ignored > ERROR_BODY_MAX)
			return error_set(err, ERR_REMOTE, "status %d with an oversized error body",
					 head->status);
		return 0;
	}
	if (begin(s, head, err) < 0)
		return -1;
	if (length > s->want->max_bytes - s->have)
		return error_set(err, ERR_VERIFY,
				 "the server sends more than the expected %llu bytes",
				 (unsigned long long)s->want->max_bytes);
	if (pwrite_all(s, bytes, length, err) < 0)
		return -1;
	hasher_update(s->hasher, bytes, length);
	s->have += length;
	s->received += length;
	progress_add(s->want->progress, length);
	return 0;
}

static int
ask(struct http_client *client, const struct http_request *request, struct state *s,
    struct http_response *response, struct error *err)
{
	auto_free char *range = xasprintf("Range: bytes=%llu-", (unsigned long long)s->have);
	auto_free char *if_range = s->etag != NULL ? xasprintf("If-Range: %s", s->etag) : NULL;
	const char *lines[] = {range, if_range, NULL};
	struct http_sink sink = {write_file_part, s};

	s->begun = false;
	s->ignored = 0;
	return http_follow(client, request, s->ranged ? lines : NULL, &sink, response, &s->failure,
			   err);
}

enum verdict { COMPLETE, FAILED, ASK_FOR_ALL };

/* Whether the server told where the body ends: else a cut connection looks like its end. */
static bool
is_framed(const struct http_response *head)
{
	return head->status == 0 || http_headers_get(&head->headers, "Content-Length", 0) != NULL ||
	       http_headers_get(&head->headers, "Transfer-Encoding", 0) != NULL;
}

/* Looks at the content of an answer that came to its end. */
static int
check_end(struct state *s, const struct http_response *response, struct error *err)
{
	/* An empty body has not passed the sink. */
	if (begin(s, response, err) < 0)
		return -1;
	if (response->status == 206 && s->have < s->want->max_bytes && s->want->exact)
		return error_set(err, ERR_NETWORK,
				 "the server sent only part of the remaining bytes");
	if (s->have < s->want->max_bytes && s->want->exact && !is_framed(response))
		return error_set(err, ERR_NETWORK,
				 "the connection closed before the end of the file");
	if (length_is_wrong(s, s->have))
		return refuse_length(s, s->have, err);
	return 0;
}

static enum verdict
judge(struct state *s, const struct http_response *response, struct error *err)
{
	if (response->status == 416 && s->ranged)
		return ASK_FOR_ALL;
	if (http_response_check(response, err) < 0)
		return FAILED;
	if (!has_content(response)) {
		error_set(err, ERR_REMOTE, "'%s': status %d without content", s->shown,
			  response->status);
		return FAILED;
	}
	if (check_end(s, response, err) < 0) {
		error_prefix(err, "'%s'", s->shown);
		return s->start_over ? ASK_FOR_ALL : FAILED;
	}
	return COMPLETE;
}

static enum verdict
try_once(struct http_client *client, const struct http_request *request, struct state *s,
	 int64_t *ret_asked_ms, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	enum verdict verdict;

	*ret_asked_ms = -1;
	if (ask(client, request, s, &response, err) < 0)
		return s->start_over ? ASK_FOR_ALL : FAILED;
	verdict = judge(s, &response, err);
	if (verdict == FAILED && err->code == ERR_NETWORK)
		(void)http_is_passing(&response, ret_asked_ms);
	return verdict;
}

static int
transfer(struct http_client *client, const struct http_request *request, struct state *s,
	 struct error *err)
{
	struct http_tries tries = {.most = request->tries};
	bool may_range = true;

	for (;;) {
		int64_t asked_ms;
		enum verdict verdict;
		bool again;

		s->ranged = may_range && s->have != 0;
		s->start_over = false;
		verdict = try_once(client, request, s, &asked_ms, err);
		if (verdict == COMPLETE)
			return 0;
		if (verdict == ASK_FOR_ALL) {
			may_range = false;
			if (forget(s, err) < 0)
				return -1;
			continue;
		}
		if (err->code != ERR_NETWORK)
			return -1;
		if (s->have >= s->furthest + PROGRESS_BYTES_MIN) {
			s->furthest = s->have;
			tries.failed = 0;
		}
		http_tries_limit(client, &tries, &s->failure);
		again = http_client_pause(client, &tries, asked_ms, err->message);
		if (interrupt_check(err) < 0 || !again)
			return -1;
		may_range = true;
	}
}

static void
state_clear(struct state *s)
{
	hasher_free(s->hasher);
	free(s->etag);
}

int
http_download(struct http_client *client, const struct http_request *request,
	      const struct http_download *download, struct http_downloaded *ret_downloaded,
	      struct error *err)
{
	AUTO(state_clear) struct state s = {.want = download, .hasher = hasher_new()};
	auto_free char *shown = http_url_redacted(request->url);

	assert(request->body == NULL && request->method == NULL);
	s.shown = shown;
	if (take_up(&s, err) < 0)
		return -1;
	s.furthest = s.have;
	/* Killed after the last byte: nothing is left to ask for. */
	if ((!download->exact || s.have != download->max_bytes || s.have == 0) &&
	    transfer(client, request, &s, err) < 0)
		return -1;
	hasher_finish(s.hasher, &ret_downloaded->sha256);
	ret_downloaded->size = s.have;
	ret_downloaded->received = s.received;
	ret_downloaded->resumed = s.resumed;
	return 0;
}
