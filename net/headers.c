/* SPDX-License-Identifier: MIT */
#include "net/headers.h"

#include "base/alloc.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

enum { MAX_FIELDS = 256, MAX_BYTES = 256 << 10, MAX_LINK = 4096 };

void
http_headers_clear(struct http_headers *headers)
{
	for (size_t i = 0; i < headers->count; i++) {
		free(headers->items[i].name);
		free(headers->items[i].value);
	}
	free(headers->items);
	memset(headers, 0, sizeof(*headers));
}

static bool
is_space_or_line_end(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
http_headers_add(struct http_headers *headers, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	const char *value, *end = line + length;
	struct http_header *header;

	if (colon == NULL)
		return true;
	headers->bytes += length;
	if (headers->count == MAX_FIELDS || headers->bytes > MAX_BYTES)
		return false;
	for (value = colon + 1; value < end && is_space_or_line_end(*value); value++)
		;
	while (end > value && is_space_or_line_end(end[-1]))
		end--;
	headers->items = xgrow(headers->items, headers->count, sizeof(*headers->items));
	header = &headers->items[headers->count++];
	header->name = xstrndup(line, (size_t)(colon - line));
	header->value = xstrndup(value, (size_t)(end - value));
	return true;
}

const char *
http_headers_get(const struct http_headers *headers, const char *name, size_t index)
{
	for (size_t i = 0; i < headers->count; i++)
		if (strcasecmp(headers->items[i].name, name) == 0 && index-- == 0)
			return headers->items[i].value;
	return NULL;
}

bool
http_parse_content_range(const char *text, struct http_content_range *ret_range)
{
	struct http_content_range range = {0, 0, UINT64_MAX};
	const char *p = text;

	if (strncasecmp(p, "bytes ", 6) != 0)
		return false;
	p += 6;
	if (!parse_uint_prefix(&p, UINT64_MAX, &range.first) || !parse_character(&p, '-') ||
	    !parse_uint_prefix(&p, UINT64_MAX, &range.last) || *p != '/' ||
	    range.last < range.first)
		return false;
	if (strcmp(p, "/*") != 0 &&
	    (!parse_uint(p + 1, UINT64_MAX, &range.total) || range.total <= range.last))
		return false;
	*ret_range = range;
	return true;
}

static int64_t
wait_until_ms(int64_t then_sec, int64_t now_sec)
{
	/* Beyond a century it does not matter how long; and it must not overflow. */
	const int64_t longest_sec = (int64_t)100 * 366 * 24 * 3600;

	if (then_sec <= now_sec)
		return 0;
	if (then_sec > now_sec + longest_sec)
		return longest_sec * 1000;
	return (then_sec - now_sec) * 1000;
}

int64_t
http_headers_retry_after_ms(const struct http_headers *headers, time_t now_sec)
{
	const char *after = http_headers_get(headers, "Retry-After", 0);
	const char *remaining = http_headers_get(headers, "X-RateLimit-Remaining", 0);
	const char *reset = http_headers_get(headers, "X-RateLimit-Reset", 0);
	const char *date = http_headers_get(headers, "Date", 0);
	time_t server_sec = date != NULL ? curl_getdate(date, NULL) : -1;
	uint64_t number;

	if (server_sec < 0)
		server_sec = now_sec;
	if (after != NULL && parse_uint(after, UINT64_MAX, &number))
		return wait_until_ms(number < INT64_MAX ? (int64_t)number : INT64_MAX, 0);
	if (after != NULL) {
		time_t then_sec = curl_getdate(after, NULL);

		return then_sec < 0 ? -1 : wait_until_ms(then_sec, server_sec);
	}
	if (remaining != NULL && reset != NULL && strcmp(remaining, "0") == 0 &&
	    parse_uint(reset, UINT64_MAX, &number))
		return wait_until_ms(number < INT64_MAX ? (int64_t)number : INT64_MAX, server_sec);
	return -1;
}

/* Whether the parameters after a link's '>' say rel="next". They end at the next ','. */
static bool
is_next(const char *parameters, size_t length)
{
	static const char *const spellings[] = {"rel=\"next\"", "rel=next"};

	for (size_t at = 0; at < length; at++)
		for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
			if (length - at >= strlen(spellings[i]) &&
			    strncasecmp(parameters + at, spellings[i], strlen(spellings[i])) == 0)
				return true;
	return false;
}

char *
http_next_link(const char *link)
{
	while (link != NULL && (link = strchr(link, '<')) != NULL) {
		const char *end = strchr(link, '>');
		size_t length;

		if (end == NULL)
			return NULL;
		length = strcspn(end, ",");
		if (is_next(end, length) && end - link - 1 <= MAX_LINK)
			return xstrndup(link + 1, (size_t)(end - link - 1));
		link = end + length;
	}
	return NULL;
}
