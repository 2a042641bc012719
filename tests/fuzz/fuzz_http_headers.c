/* SPDX-License-Identifier: MIT */
/* Everything that net/ reads out of the head of an answer, and its URLs. */

#include "base/alloc.h"
#include "net/headers.h"
#include "net/url.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Lines of an answer's head; what they say is then asked for. */
static void
read_fields(const char *text, size_t length)
{
	AUTO(http_headers_clear) struct http_headers headers = {NULL, 0, 0};
	struct http_content_range range;
	auto_free char *next = NULL;
	const char *field;
	int64_t wait_ms;

	while (length != 0) {
		const char *end = memchr(text, '\n', length);
		size_t n = end != NULL ? (size_t)(end - text) + 1 : length;

		if (!http_headers_add(&headers, text, n))
			break;
		text += n;
		length -= n;
	}
	field = http_headers_get(&headers, "Content-Range", 0);
	if (field != NULL && http_parse_content_range(field, &range))
		assert(range.first <= range.last && range.last < range.total);
	next = http_next_link(http_headers_get(&headers, "Link", 0));
	if (next != NULL)
		assert(strchr(next, '>') == NULL);
	wait_ms = http_headers_retry_after_ms(&headers, 784111777);
	assert(wait_ms >= -1);
}

static void
read_url(const char *text)
{
	auto_free char *shown = http_url_redacted(text);
	auto_free char *resolved = NULL;
	struct error err = ERROR_INIT;

	assert(shown[0] != '\0');
	if (http_url_resolve("https://example.org/a/b?c", text, &resolved, &err) == 0) {
		auto_free char *again = http_url_redacted(resolved);

		(void)http_url_is_loopback(resolved);
		(void)http_url_same_origin(text, resolved);
		if (http_url_check(resolved, HTTP_ALLOW_PLAIN, &err) == 0)
			assert(strchr(again, '@') == NULL || strchr(text, '@') != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_free char *text = xstrndup((const char *)bytes, size);

	read_fields((const char *)bytes, size);
	read_url(text);
	return 0;
}
