/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The header fields of a response, and parsers for the few that this program uses.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct http_header {
	char *name;
	char *value; /* without surrounding whitespace */
};

/* In the order of the response; zeroed means empty. */
struct http_headers {
	struct http_header *items;
	size_t count;
	size_t bytes;
};

void http_headers_clear(struct http_headers *headers);

/*
 * Adds one line, with or without its line end. A line without a colon is skipped. Returns false
 * when the fields are too many or too long in total.
 */
bool http_headers_add(struct http_headers *headers, const char *line, size_t length) CHECKED;

/*
 * The value of the field at position `index` among those of this name (any case), or NULL. Some
 * fields are repeated: one WWW-Authenticate for each scheme. Borrowed.
 */
const char *http_headers_get(const struct http_headers *headers, const char *name, size_t index);

/* RFC 9110, 14.4: "bytes FIRST-LAST/TOTAL", where TOTAL may be "*". */
struct http_content_range {
	uint64_t first;
	uint64_t last;
	uint64_t total; /* UINT64_MAX: unknown */
};

bool http_parse_content_range(const char *text, struct http_content_range *ret_range) CHECKED;

/*
 * How long the server asks to wait, in milliseconds, or -1 if it does not: Retry-After in seconds
 * or as a date, else X-RateLimit-Reset when nothing remains. Dates are compared with the server's
 * Date field if there is one, since clocks differ, else with `now_sec`.
 */
int64_t http_headers_retry_after_ms(const struct http_headers *headers, time_t now_sec);

/* RFC 8288: the next page in the field Link, to be freed by the caller, or NULL. */
char *http_next_link(const char *link) CHECKED;
