/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * HTTP over libcurl: one request, or one file, with retries, limits and redirects.
 *
 * Any number of threads may use a client at once. Name lookups and TLS sessions are shared, and
 * connections are reused.
 *
 * Redirects are followed by hand, at most five of them: never from https to http, never nearer to
 * this machine than the server that redirects (net/place.h), and anything that could be a
 * credential is sent to its own origin only. Messages never show a URL's secrets.
 */

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "net/again.h"
#include "net/headers.h"
#include "net/place.h"
#include "net/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct progress_task;

/* Zero or NULL means the value in brackets. */
struct http_options {
	const char *user_agent; /* ["distributor"] */
	const char *ca_file;    /* certificates to trust [$SSL_CERT_FILE, else the system's] */
	unsigned int connect_timeout_ms; /* [30,000] */
	unsigned int stall_sec;          /* a transfer below 100 bytes per second for this long is
					  * cut; there is no limit on the whole [60] */
	unsigned int tries;              /* in total, unless bytes have arrived [6] */
	unsigned int first_wait_ms;      /* before the second try; doubles each time [500] */
	unsigned int max_wait_ms; /* a longer wait asked for by a server is an error [300,000] */

	/* Called before each wait with a sentence without secrets; from any thread. */
	void (*notice)(void *context, const char *sentence);
	void *notice_context;
};

/*
 * `options` may be NULL; its strings are copied. Proxies from the environment are used as in
 * libcurl, but never for this machine itself. ERR_IO: `ca_file` cannot be read.
 */
int http_client_new(const struct http_options *options, struct http_client **ret_client,
		    struct error *err) CHECKED;
void http_client_free(struct http_client *client);
void http_client_freep(struct http_client **client); /* for AUTO() */

enum http_retry {
	/*
	 * GET and HEAD after each temporary failure (no answer, 408, 429, 500, 502, 503, 504);
	 * other methods only if the server cannot have acted on them: no connection, or 429.
	 */
	HTTP_RETRY_SAFE,
	HTTP_RETRY_ALWAYS, /* the request may be repeated: DELETE, PUT by digest */
	HTTP_RETRY_NEVER,
};

/* A body to send: memory, or a section of a file. It is read again for a retry or a 307. */
struct http_body {
	const void *bytes; /* else NULL */
	int fd;            /* used when `bytes` is NULL; its offset does not change */
	uint64_t offset;   /* of the section in the file */
	uint64_t size;     /* in bytes, exact */
};

/* All pointers are borrowed for the call. */
struct http_request {
	const char *method; /* NULL: GET */
	const char *url;
	unsigned int allow;        /* HTTP_ALLOW_... of net/url.h */
	const char *authorization; /* value of Authorization, or NULL; for the URL's origin only */
	const char *const
		*headers; /* "Name: value", ended by NULL, or NULL; all but Accept, Content-Type and
			   * similar are sent to the URL's origin only */
	const struct http_body *body; /* NULL: none */
	size_t max_response_bytes;    /* of the answer's body; 0: 1 MiB */
	bool head_only;               /* the body of 2xx is not read; "" */
	bool stay;                    /* the body is a secret: no redirect to another origin */
	enum http_retry retry;
	enum http_again again;          /* what else is retried, besides temporary failures */
	unsigned int tries;             /* in total; 0: the client's option */
	enum http_place named_by;       /* place of the server whose response named the URL;
				   * HTTP_PLACE_ANY: the user or a file did */
	struct progress_task *progress; /* counts the bytes of the body sent; may be NULL */
};

struct http_response {
	int status; /* 200, ...; 0 for file:// */
	struct http_headers headers;
	char *body; /* terminated, never NULL after success */
	size_t length;
	char *url;             /* that answered, after redirects; may contain secrets */
	enum http_place place; /* where that server is */
};

#define HTTP_RESPONSE_INIT {0, {NULL, 0, 0}, NULL, 0, NULL, HTTP_PLACE_ANY}

void http_response_clear(struct http_response *response);

/*
 * Sends a request and reads the response, whatever its status: the caller checks it, or calls
 * http_response_check(). Redirects are followed; one that is not allowed (of a POST with 301, 302
 * or 303; the sixth) is an error, except 301 to 303 of methods other than GET and HEAD, which are
 * returned unchanged.
 *
 * ERR_NETWORK (no answer after all tries), ERR_VERIFY (certificate), ERR_REMOTE (a redirect that is
 * not allowed, an invalid or too large response), ERR_NOT_FOUND (file:// only), ERR_INPUT (the
 * URL), ERR_IO (the body cannot be read), ERR_INTERRUPTED.
 */
int http_request(struct http_client *client, const struct http_request *request,
		 struct http_response *ret_response, struct error *err) CHECKED;

/*
 * 0 for 2xx and file://, else -1: ERR_NOT_FOUND (404, 410), ERR_NETWORK (408, 429, 5xx),
 * ERR_DENIED (401, 403, 407), ERR_REMOTE.
 */
int http_response_check(const struct http_response *response, struct error *err) CHECKED;

/*
 * Whether HEAD was refused in a way that says nothing about GET: 403 by storage whose signed URLs
 * are valid for GET only, 405 and 501 by servers without HEAD.
 */
bool http_head_is_refused(const struct http_response *response);

/* The field's value or NULL; borrowed. */
const char *http_response_header(const struct http_response *response, const char *name);

/*
 * The field Location as an absolute URL to request next, to be freed by the caller. `allow` is that
 * of the request, without files. ERR_REMOTE: it is missing, or not allowed: from https to http, or
 * from elsewhere to this machine itself.
 */
int http_response_location(const struct http_response *response, unsigned int allow, char **ret_url,
			   struct error *err) CHECKED;

/*
 * Downloads a small document. The text is terminated, `ret_length` may be NULL; to be freed by the
 * caller. Errors of both calls above.
 */
int http_get(struct http_client *client, const char *url, unsigned int allow, size_t max_bytes,
	     char **ret_text, size_t *ret_length, struct error *err) CHECKED;

/* The destination of a download. */
struct http_download {
	int fd;           /* for reading and writing; its offset does not change */
	const char *name; /* of the file, for messages */
	uint64_t max_bytes;
	bool exact;                     /* the size must be `max_bytes` */
	uint64_t resume_from;           /* this many bytes at the beginning are present */
	struct progress_task *progress; /* may be NULL */
};

struct http_downloaded {
	struct digest sha256; /* of the whole file */
	uint64_t size;
	uint64_t received; /* bytes that arrived in this call */
	bool resumed; /* the file was not received in one piece: a wrong digest may be due to an
		       * earlier piece */
};

/*
 * Downloads a file with GET, resuming where it stopped: bytes already present at the beginning are
 * hashed and not requested again. If the server does not support ranges, or the file has changed,
 * the download starts over. A broken connection is resumed as long as bytes arrive. At most
 * `max_bytes` are written, whatever the server sends. `request` has the URL and its headers; no
 * body.
 *
 * On failure the file keeps what has arrived, to be resumed; its size is how much. Errors of
 * http_request() and http_response_check(), and ERR_VERIFY (too long, too short), ERR_IO (cannot
 * write).
 */
int http_download(struct http_client *client, const struct http_request *request,
		  const struct http_download *download, struct http_downloaded *ret_downloaded,
		  struct error *err) CHECKED;
