/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which URLs are allowed, and how they are shown.
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "net/place.h"

#include <stdbool.h>

/* Schemes beyond https. Plain http to this machine itself is always allowed. */
enum {
	HTTP_ALLOW_PLAIN = 1, /* http://, for content verified by digest or signature */
	HTTP_ALLOW_FILE = 2,  /* file://, for GET */
};

/*
 * The URL in printable form, to be freed by the caller: without user name, password and fragment,
 * and with the values of only those query parameters that are known to carry no secret. Text that
 * is not a URL becomes "(malformed URL)".
 */
char *http_url_redacted(const char *text) CHECKED;

/*
 * Refuses a URL whose scheme is not allowed, or that contains a user name or password: such URLs
 * end up in logs. ERR_INPUT, with the redacted URL.
 */
int http_url_check(const char *text, unsigned int allow, struct error *err) CHECKED;

/* The absolute URL of `reference` in a response from `base`. ERR_REMOTE. */
int http_url_resolve(const char *base, const char *reference, char **ret_url,
		     struct error *err) CHECKED;

/* Same scheme, host and port: may see the same credentials. False for text that is not a URL. */
bool http_url_same_origin(const char *a, const char *b);

/* The host is "localhost" or an address of this machine itself: 127.0.0.1, [::1], 0.0.0.0, ... */
bool http_url_is_loopback(const char *url);

/*
 * Whether a server at `from` may name this URL, judged by its text: not a file, and not an address
 * nearer than its own. What a name resolves to is checked on connecting (net/place.h).
 */
bool http_url_may_be_named(const char *url, enum http_place from);

/*
 * "auth.docker.io", or "127.0.0.1:5001" where the port is written: the host that a request to this
 * URL goes to; to be freed by the caller. Empty for text that is not a URL or has no host.
 */
char *http_url_host(const char *text) CHECKED;

/* The same without a port; empty for text that is not a URL or has no host. */
char *http_url_name(const char *text) CHECKED;

/* The scheme in lower case is exactly this one. */
bool http_url_has_scheme(const char *url, const char *scheme);

/* `url` with "?NAME=VALUE" or "&NAME=VALUE" added, percent-encoded; to be freed by the caller. */
char *http_url_with_query(const char *url, const char *name, const char *value) CHECKED;

/* The path in a file: URL, to be freed by the caller; NULL for any other URL. */
char *http_url_file(const char *text) CHECKED;

/* "file://..." for an absolute path; to be freed by the caller. */
char *http_url_of_file(const char *path) CHECKED;
