/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * HTTP over libcurl: one request, or one file, with retries, limits and redirects.
 *
 * A client is used by any number of threads at once. Name lookups and TLS sessions are shared, and
 * connections are kept for the next call.
 *
 * Redirects are followed by hand, at most five of them: never from https to http, never nearer to
 * this machine than the server that redirects (net/place.h), and whatever could be a credential
 * stays with the origin it was given for. No message shows a URL's secrets.
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
	unsigned int tries;              /* how often in all, unless bytes have arrived [6] */
	unsigned int first_wait_ms;      /* before the second try; doubles each time [500] */
	unsigned int max_wait_ms; /* a server that asks for a longer wait is given up [300,000] */

	/* Told about each wait, in a sentence without secrets; may be called from any thread. */
	void (*notice)(void *context, const char *sentence);
	void *notice_context;
};

/*
 * `options` may be NULL; its strings are copied. The proxies of the environment are used as libcurl
 * reads them, but never for this machine itself. ERR_IO: `ca_file` cannot be read.
 */
int http_client_new(const struct http_options *options, struct http_client **ret_client,
		    struct error *err) CHECKED;
void http_client_free(struct http_client *client);
void http_client_freep(struct http_client **client); /* for AUTO() */

enum http_retry {
	/*
	 * GET and HEAD after each passing failure (no answer, 408, 429, 500, 502, 503, 504); other
	 * methods only where the server cannot have done anything: no connection, or 429.
	 */
	HTTP_RETRY_SAFE,
	HTTP_RETRY_ALWAYS, /* the request may be repeated: DELETE, PUT by digest */
	HTTP_RETRY_NEVER,
};

/* What is sent: memory, or a section of a file. It is read again for a retry or a 307. */
struct http_body {
	const void *bytes; /* else NULL */
	int fd;            /* used when `bytes` is NULL; its offset is left alone */
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
		*headers; /* "Name: value", ended by NULL, or NULL; those other than Accept,
			   * Content-Type and the like are for the URL's origin only */
	const struct http_body *body; /* NULL: none */
	size_t max_response_bytes;    /* of the answer's body; 0: 1 MiB */
	bool head_only;               /* the body of 2xx is not read; "" */
	bool stay;                    /* the body is a secret: no redirect to another origin */
	enum http_retry retry;
	enum http_again again;    /* what besides passing failures is asked again */
	unsigned int tries;       /* how often in all; 0: as the client was told */
	enum http_place named_by; /* where the server is that has named the URL, of its answer;
					 * HTTP_PLACE_ANY: the user or a file has */
	struct progress_task *progress; /* counts the bytes of the body that is sent; may be NULL */
};

struct http_response {
	int status; /* 200, ...; 0 for file:// */
	struct http_headers headers;
	char *body; /* terminated, never NULL after success */
	size_t length;
	char *url;             /* which answered, after redirects; may carry secrets */
	enum http_place place; /* where that server is */
};

#define HTTP_RESPONSE_INIT {0, {NULL, 0, 0}, NULL, 0, NULL, HTTP_PLACE_ANY}

void http_response_clear(struct http_response *response);

/*
 * Sends a request and reads the answer, whatever its status: the caller looks at it, or calls
 * http_response_check(). A redirect is followed; one that may not be followed (of a POST with 301,
 * 302 or 303; the sixth) is an error, except 301 to 303 of other methods than GET and HEAD, which
 * are returned as they are.
 *
 * ERR_NETWORK (no answer after all tries), ERR_VERIFY (certificate), ERR_REMOTE (redirected where
 * it may not go, absurd or too large an answer), ERR_NOT_FOUND (file:// only), ERR_INPUT (the URL),
 * ERR_IO (the body cannot be read), ERR_INTERRUPTED.
 */
int http_request(struct http_client *client, const struct http_request *request,
		 struct http_response *ret_response, struct error *err) CHECKED;

/*
 * 0 for 2xx and file://, else -1: ERR_NOT_FOUND (404, 410), ERR_NETWORK (408, 429, 5xx),
 * ERR_DENIED (401, 403, 407), ERR_REMOTE.
 */
int http_response_check(const struct http_response *response, struct error *err) CHECKED;

/*
 * Whether HEAD was refused in a way that says nothing of what GET would answer: 403 by storage
 * whose signed addresses are good for GET only, 405 and 501 by servers without HEAD.
 */
bool http_head_is_refused(const struct http_response *response);

/* The field's value or NULL; borrowed. */
const char *http_response_header(const struct http_response *response, const char *name);

/*
 * The field Location as an absolute URL that may be asked next, to be freed by the caller. `allow`
 * is that of the request, without files. ERR_REMOTE: it is missing, or leads to where a server must
 * not send anybody: from https to http, or from elsewhere to this machine itself.
 */
int http_response_location(const struct http_response *response, unsigned int allow, char **ret_url,
			   struct error *err) CHECKED;

/*
 * Gets a small document. The text is terminated, `ret_length` may be NULL; to be freed by the
 * caller. Errors of both calls above.
 */
int http_get(struct http_client *client, const char *url, unsigned int allow, size_t max_bytes,
	     char **ret_text, size_t *ret_length, struct error *err) CHECKED;

/* Where a file goes. */
struct http_download {
	int fd;           /* for reading and writing; its offset is left alone */
	const char *name; /* of the file, for messages */
	uint64_t max_bytes;
	bool exact;                     /* anything but `max_bytes` is wrong */
	uint64_t resume_from;           /* so many bytes at the beginning are there already */
	struct progress_task *progress; /* may be NULL */
};

struct http_downloaded {
	struct digest sha256; /* of the whole file */
	uint64_t size;
	uint64_t received; /* bytes that came in this call */
	bool resumed; /* the file was not received in one piece: a wrong digest may be the fault
		       * of an earlier piece */
};

/*
 * Gets a file with GET, going on where it stopped: bytes at the beginning that are there already
 * are hashed and not asked for again. A server that does not do ranges, or whose file has changed,
 * is a new start. A cut connection is taken up again as long as bytes arrive. At most `max_bytes`
 * are written, whatever the server says. `request` has the URL and its headers; no body.
 *
 * On failure what has arrived stays in the file, whose size tells how much it is, to be resumed.
 * Errors of http_request() and http_response_check(), and ERR_VERIFY (too long, too short), ERR_IO
 * (cannot write).
 */
int http_download(struct http_client *client, const struct http_request *request,
		  const struct http_download *download, struct http_downloaded *ret_downloaded,
		  struct error *err) CHECKED;
