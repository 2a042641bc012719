/* SPDX-License-Identifier: MIT */
#include "net/headers.h"
#include "net/place.h"
#include "net/url.h"
#include "tests/support/test.h"

#include "base/alloc.h"

#include <sys/socket.h>

static void
test_redacted(void **state)
{
	static const struct {
		const char *url;
		const char *shown;
	} rows[] = {
		{"https://example.org/a/b.rpm", "https://example.org/a/b.rpm"},
		{"https://example.org:8443/a", "https://example.org:8443/a"},
		{"https://joe:hunter2@example.org/a", "https://example.org/a"},
		{"https://ghp_secret@example.org/a", "https://example.org/a"},
		{"https://example.org/a#access_token=s", "https://example.org/a"},
		{"https://example.org/?repo=fedora-44&arch=s390x",
		 "https://example.org/?repo=fedora-44&arch=s390x"},
		{"https://example.org/b?digest=sha256:00&_state=s3cret",
		 "https://example.org/b?digest=sha256:00&_state=***"},
		{"https://example.org/b?X-Amz-Signature=s3cret",
		 "https://example.org/b?X-Amz-Signature=***"},
		{"https://example.org/b?s3cret", "https://example.org/b?***"},
		{"https://example.org/b?s3cret&name=x&&", "https://example.org/b?***&name=x&***"},
		{"file:///tmp/a", "file:///tmp/a"},
		{"ftp://example.org/a", "ftp://example.org/a"},
		{"joe:hunter2", "(malformed URL)"},
		{"", "(malformed URL)"},
		{"https://joe:hunter2@exa mple/", "(malformed URL)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *shown = http_url_redacted(rows[i].url);

		assert_string_equal(shown, rows[i].shown);
	}
}

static void
test_check(void **state)
{
	static const struct {
		const char *url;
		unsigned int allow;
		const char *refusal;
	} rows[] = {
		{"https://example.org/", 0, NULL},
		{"HTTPS://example.org/", 0, NULL},
		{"http://example.org/", 0, "plain http is not allowed: 'http://example.org/'"},
		{"http://example.org/", HTTP_ALLOW_PLAIN, NULL},
		{"http://127.0.0.1:1/", 0, NULL},
		{"http://127.8.9.1/", 0, NULL},
		{"http://[::1]/", 0, NULL},
		{"http://localhost/", 0, NULL},
		{"http://localhost.example.org/", 0, "plain http"},
		{"http://127.0.0.1.example.org/", 0, "plain http"},
		{"http://0.0.0.0/", 0, NULL},
		{"http://[::ffff:127.0.0.1]/", 0, NULL},
		{"http://[2001:db8::2]/", 0, "plain http"},
		{"file:///a", 0, "scheme 'file' is not allowed"},
		{"file:///a", HTTP_ALLOW_PLAIN, "scheme 'file' is not allowed"},
		{"file:///a", HTTP_ALLOW_FILE, NULL},
		{"ftp://example.org/a", HTTP_ALLOW_PLAIN | HTTP_ALLOW_FILE, "scheme 'ftp'"},
		{"gopher://127.0.0.1/a", HTTP_ALLOW_PLAIN, "scheme 'gopher'"},
		{"https://joe@example.org/", 0, "user name or password"},
		{"https://joe:pw@example.org/", 0,
		 "URL 'https://example.org/' contains a user name"},
		{"example.org/a", 0, "malformed URL"},
		{"", 0, "malformed URL"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;

		if (rows[i].refusal == NULL)
			assert_ok(http_url_check(rows[i].url, rows[i].allow, &err), err);
		else
			assert_refused(http_url_check(rows[i].url, rows[i].allow, &err), err,
				       ERR_INPUT, rows[i].refusal);
		assert_null(strstr(err.message, "joe"));
	}
}

/* Where an address is, and who may lead there. */
static void
test_place(void **state)
{
	static const struct {
		const char *address;
		enum http_place place;
	} rows[] = {
		{"127.0.0.1", HTTP_PLACE_HERE},
		{"127.255.255.255", HTTP_PLACE_HERE},
		{"128.0.0.0", HTTP_PLACE_PUBLIC},
		{"126.255.255.255", HTTP_PLACE_PUBLIC},
		{"0.0.0.0", HTTP_PLACE_HERE},
		{"0.255.255.255", HTTP_PLACE_HERE},
		{"1.0.0.0", HTTP_PLACE_PUBLIC},
		{"169.253.255.255", HTTP_PLACE_PUBLIC},
		{"169.254.169.254", HTTP_PLACE_LINK},
		{"169.255.0.0", HTTP_PLACE_PUBLIC},
		{"10.0.0.0", HTTP_PLACE_PRIVATE},
		{"10.255.255.255", HTTP_PLACE_PRIVATE},
		{"11.0.0.0", HTTP_PLACE_PUBLIC},
		{"100.63.255.255", HTTP_PLACE_PUBLIC},
		{"100.64.0.0", HTTP_PLACE_PRIVATE},
		{"100.127.255.255", HTTP_PLACE_PRIVATE},
		{"100.128.0.0", HTTP_PLACE_PUBLIC},
		{"172.15.255.255", HTTP_PLACE_PUBLIC},
		{"172.16.0.0", HTTP_PLACE_PRIVATE},
		{"172.31.255.255", HTTP_PLACE_PRIVATE},
		{"172.32.0.0", HTTP_PLACE_PUBLIC},
		{"192.168.0.0", HTTP_PLACE_PRIVATE},
		{"192.169.0.0", HTTP_PLACE_PUBLIC},
		{"255.255.255.255", HTTP_PLACE_PUBLIC},
		{"::1", HTTP_PLACE_HERE},
		{"[::1]", HTTP_PLACE_HERE},
		{"::", HTTP_PLACE_HERE},
		{"::2", HTTP_PLACE_HERE}, /* 0.0.0.2, in the form of old */
		{"::127.0.0.1", HTTP_PLACE_HERE},
		{"::ffff:127.0.0.1", HTTP_PLACE_HERE},
		{"[::ffff:7f00:1]", HTTP_PLACE_HERE},
		{"::ffff:10.1.1.1", HTTP_PLACE_PRIVATE},
		{"::ffff:8.8.8.8", HTTP_PLACE_PUBLIC},
		{"fe80::1", HTTP_PLACE_LINK},
		{"fe80::1%eth0", HTTP_PLACE_LINK},
		{"64:ff9b::10.0.0.1", HTTP_PLACE_PRIVATE},
		{"64:ff9b::7f00:1", HTTP_PLACE_HERE},
		{"64:ff9b::8.8.8.8", HTTP_PLACE_PUBLIC},
		{"64:ff9b:2::10.0.0.1", HTTP_PLACE_PUBLIC},
		{"::ffff:0:169.254.169.254", HTTP_PLACE_LINK},
		{"2002:a00:1::1", HTTP_PLACE_PRIVATE},
		{"2002:808:808::1", HTTP_PLACE_PUBLIC},
		{"febf::1", HTTP_PLACE_LINK},
		{"fec0::1", HTTP_PLACE_PUBLIC},
		{"fc00::1", HTTP_PLACE_PRIVATE},
		{"fdff::1", HTTP_PLACE_PRIVATE},
		{"fe00::1", HTTP_PLACE_PUBLIC},
		{"2001:db8::1", HTTP_PLACE_PUBLIC},
		{"example.org", HTTP_PLACE_ANY},
		{"localhost", HTTP_PLACE_ANY},
		{"", HTTP_PLACE_ANY},
		{"[]", HTTP_PLACE_ANY},
		{"0000000000000000000000000000000000000000000000000000000001", HTTP_PLACE_ANY},
	};
	const struct sockaddr other = {.sa_family = AF_UNIX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (http_place_of_text(rows[i].address) != rows[i].place)
			fail_msg("'%s': %d", rows[i].address,
				 (int)http_place_of_text(rows[i].address));
	assert_int_equal(http_place_of(&other), HTTP_PLACE_HERE);
	for (int from = HTTP_PLACE_ANY; from <= HTTP_PLACE_HERE; from++)
		for (int to = HTTP_PLACE_PUBLIC; to <= HTTP_PLACE_HERE; to++) {
			bool may = from == HTTP_PLACE_ANY || to <= from;
			bool https = may || to == HTTP_PLACE_PRIVATE;

			assert_int_equal(http_place_may_lead((enum http_place)from,
							     (enum http_place)to, false),
					 may);
			assert_int_equal(http_place_may_lead((enum http_place)from,
							     (enum http_place)to, true),
					 https);
		}
}

static void
test_same_origin(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} rows[] = {
		{"https://example.org/a", "https://example.org/b?c", true},
		{"https://example.org/a", "https://EXAMPLE.org:443/b", true},
		{"https://example.org/a", "http://example.org/a", false},
		{"https://example.org/a", "https://example.org:8443/a", false},
		{"https://example.org/a", "https://www.example.org/a", false},
		{"https://example.org/a", "https://example.org@evil.example/a", false},
		{"http://127.0.0.1:80/", "http://127.0.0.1/", true},
		{"nonsense", "nonsense", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(http_url_same_origin(rows[i].a, rows[i].b), rows[i].same);
}

static void
test_host(void **state)
{
	static const struct {
		const char *url;
		const char *host;
	} rows[] = {
		{"https://auth.docker.io/token?a=b", "auth.docker.io"},
		{"https://auth.docker.io:443/token", "auth.docker.io:443"},
		{"http://[::1]:5000/", "[::1]:5000"},
		{"https://joe:pw@example.org", "example.org"},
		/* libcurl takes one slash to three for two, and goes there. */
		{"https:/evil.example/x://auth.docker.io/token", "evil.example"},
		{"https:///evil.example/x://auth.docker.io/token", "evil.example"},
		{"https://evil%2eexample/", "evil.example"},
		{"https://evil.example\\.docker.io/", ""},
		{"file:///a", ""},
		{"nonsense", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *host = http_url_host(rows[i].url);

		assert_string_equal(host, rows[i].host);
	}
}

static void
test_resolve(void **state)
{
	static const struct {
		const char *base;
		const char *reference;
		const char *result; /* NULL: refused */
	} rows[] = {
		{"https://r.example/v2/a/uploads/", "/v2/b?c=1", "https://r.example/v2/b?c=1"},
		{"https://r.example/v2/a/uploads/", "x?_state=abc",
		 "https://r.example/v2/a/uploads/x?_state=abc"},
		{"https://r.example/a", "https://s.example:1/b", "https://s.example:1/b"},
		{"https://r.example/a", "//s.example/b", "https://s.example/b"},
		{"https://r.example/a", "http://[", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		auto_free char *url = NULL;

		if (rows[i].result == NULL) {
			assert_refused(
				http_url_resolve(rows[i].base, rows[i].reference, &url, &err), err,
				ERR_REMOTE, rows[i].base);
			continue;
		}
		assert_ok(http_url_resolve(rows[i].base, rows[i].reference, &url, &err), err);
		assert_string_equal(url, rows[i].result);
	}
}

static void
test_with_query(void **state)
{
	auto_free char *one = http_url_with_query("https://r.example/u/1", "digest", "sha256:ab");
	auto_free char *two = http_url_with_query(one, "name", "a b&c");

	(void)state;
	assert_string_equal(one, "https://r.example/u/1?digest=sha256%3Aab");
	assert_string_equal(two, "https://r.example/u/1?digest=sha256%3Aab&name=a%20b%26c");
}

static void
test_of_file(void **state)
{
	static const struct {
		const char *path;
		const char *url;
	} rows[] = {
		{"/a/b.rpm", "file:///a/b.rpm"},
		{"/a/1:2+3~4_5.deb", "file:///a/1%3A2+3~4_5.deb"},
		{"/a b/%20?x#y", "file:///a%20b/%2520%3Fx%23y"},
		{"/\303\244", "file:///%C3%A4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *url = http_url_of_file(rows[i].path);

		assert_string_equal(url, rows[i].url);
	}
}

static void
add(struct http_headers *headers, const char *line)
{
	assert_true(http_headers_add(headers, line, strlen(line)));
}

static void
test_headers(void **state)
{
	AUTO(http_headers_clear) struct http_headers headers = {NULL, 0, 0};

	(void)state;
	add(&headers, "Content-Type:  text/plain \r\n");
	add(&headers, "not a field\r\n");
	add(&headers, "\r\n");
	add(&headers, "WWW-Authenticate: Basic realm=\"a:b\"");
	add(&headers, "www-authenticate:Bearer\r\n");
	add(&headers, "Empty:\r\n");
	assert_int_equal(headers.count, 4);
	assert_string_equal(http_headers_get(&headers, "content-type", 0), "text/plain");
	assert_null(http_headers_get(&headers, "content-type", 1));
	assert_string_equal(http_headers_get(&headers, "WWW-AUTHENTICATE", 0),
			    "Basic realm=\"a:b\"");
	assert_string_equal(http_headers_get(&headers, "WWW-Authenticate", 1), "Bearer");
	assert_string_equal(http_headers_get(&headers, "empty", 0), "");
	assert_null(http_headers_get(&headers, "missing", 0));
}

static void
test_headers_have_limits(void **state)
{
	AUTO(http_headers_clear) struct http_headers many = {NULL, 0, 0};
	AUTO(http_headers_clear) struct http_headers longs = {NULL, 0, 0};
	enum { LENGTH = 100000 };
	auto_free char *line = xmalloc(LENGTH);
	int fields = 0, lines = 0;

	(void)state;
	while (http_headers_add(&many, "a: b", 4))
		assert_true(++fields < 1000);
	memset(line, 'x', LENGTH);
	line[1] = ':';
	while (http_headers_add(&longs, line, LENGTH))
		assert_true(++lines < 10);
}

static void
test_content_range(void **state)
{
	static const struct {
		const char *text;
		bool good;
		struct http_content_range range;
	} rows[] = {
		{"bytes 0-99/100", true, {0, 99, 100}},
		{"Bytes 5-9/10", true, {5, 9, 10}},
		{"bytes 5-9/*", true, {5, 9, UINT64_MAX}},
		{"bytes 0-18446744073709551614/18446744073709551615",
		 true,
		 {0, UINT64_MAX - 1, UINT64_MAX}},
		{"bytes */100", false, {0, 0, 0}},
		{"bytes 9-5/10", false, {0, 0, 0}},
		{"bytes 0-10/10", false, {0, 0, 0}},
		{"bytes 0-99/100 ", false, {0, 0, 0}},
		{"bytes 0-99", false, {0, 0, 0}},
		{"bytes -1-99/100", false, {0, 0, 0}},
		{"bytes 0-18446744073709551616/*", false, {0, 0, 0}},
		{"items 0-9/10", false, {0, 0, 0}},
		{"bytes", false, {0, 0, 0}},
		{"", false, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_content_range range = {0, 0, 0};

		if (http_parse_content_range(rows[i].text, &range) != rows[i].good)
			fail_msg("'%s'", rows[i].text);
		assert_true(range.first == rows[i].range.first);
		assert_true(range.last == rows[i].range.last);
		assert_true(range.total == rows[i].range.total);
	}
}

static void
test_retry_after(void **state)
{
	const time_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
	static const struct {
		const char *lines[4];
		int64_t wait_ms;
	} rows[] = {
		{{"X: y"}, -1},
		{{"Retry-After: 0"}, 0},
		{{"Retry-After: 120"}, 120000},
		{{"retry-after: Sun, 06 Nov 1994 08:49:47 GMT"}, 10000},
		{{"Retry-After: Sunday, 06-Nov-94 08:49:47 GMT"}, 10000},
		{{"Retry-After: Sun, 06 Nov 1994 08:00:00 GMT"}, 0},
		/* The server's clock is an hour ahead. */
		{{"Retry-After: Sun, 06 Nov 1994 09:49:47 GMT",
		  "Date: Sun, 06 Nov 1994 09:49:37 GMT"},
		 10000},
		{{"Retry-After: soon"}, -1},
		{{"Retry-After: -5"}, -1},
		{{"Retry-After:"}, -1},
		{{"Retry-After: 99999999999999999999"}, -1},
		{{"Retry-After: 18446744073709551615"}, 3162240000000},
		{{"X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 784111800"}, 23000},
		{{"x-ratelimit-remaining: 0", "x-ratelimit-reset: 784111700"}, 0},
		{{"x-ratelimit-remaining: 7", "x-ratelimit-reset: 784111800"}, -1},
		{{"x-ratelimit-remaining: 0", "x-ratelimit-reset: x"}, -1},
		{{"x-ratelimit-remaining: 0", "x-ratelimit-reset: 784111800", "Retry-After: 5"},
		 5000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_headers_clear) struct http_headers headers = {NULL, 0, 0};
		int64_t got;

		for (size_t k = 0; rows[i].lines[k] != NULL; k++)
			add(&headers, rows[i].lines[k]);
		got = http_headers_retry_after_ms(&headers, now);
		if (got != rows[i].wait_ms)
			fail_msg("row %zu '%s': %lld", i, rows[i].lines[0], (long long)got);
	}
}

static void
test_next_link(void **state)
{
	static const struct {
		const char *link, *next;
	} rows[] = {
		{NULL, NULL},
		{"", NULL},
		{"<https://a/?page=2>; rel=\"next\", <https://a/?page=5>; rel=\"last\"",
		 "https://a/?page=2"},
		{"<https://a/?page=1>; rel=\"prev\", <https://a/?page=3>; rel=\"next\"",
		 "https://a/?page=3"},
		{"<https://a/?page=1>; rel=\"prev\", <https://a/?page=1>; rel=\"first\"", NULL},
		{"<https://a/>;rel=next", "https://a/"},
		{"<https://a/>; title=\"x\"; rel=\"next\"", "https://a/"},
		{"<https://a/,b>; rel=\"last\", <https://c/>; rel=\"next\"", "https://c/"},
		{"<https://a/", NULL},
		{"rel=\"next\"", NULL},
		{"<https://a/>", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *next = http_next_link(rows[i].link);

		if (rows[i].next == NULL)
			assert_null(next);
		else
			assert_string_equal(next, rows[i].next);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redacted),      cmocka_unit_test(test_check),
		cmocka_unit_test(test_place),         cmocka_unit_test(test_same_origin),
		cmocka_unit_test(test_host),          cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_with_query),    cmocka_unit_test(test_of_file),
		cmocka_unit_test(test_headers),       cmocka_unit_test(test_headers_have_limits),
		cmocka_unit_test(test_content_range), cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_next_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
