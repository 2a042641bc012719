/* SPDX-License-Identifier: MIT */
#include "net/url.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "net/place.h"
#include "net/url_internal.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

void
http_curlu_freep(CURLU **url)
{
	curl_url_cleanup(*url);
}

void
http_part_freep(char **part)
{
	curl_free(*part);
}

#define auto_url  AUTO(http_curlu_freep) CURLU *
#define auto_part AUTO(http_part_freep) char *

/* Without memory nothing is known of a URL, least of all that it is malformed. */
static bool
is_ok(CURLUcode code)
{
	if (code == CURLUE_OUT_OF_MEMORY)
		out_of_memory();
	return code == CURLUE_OK;
}

/* NULL for text that is not an absolute URL. */
static CURLU *
parse(const char *text)
{
	CURLU *url = curl_url();

	if (url == NULL)
		out_of_memory();
	if (!is_ok(curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME))) {
		curl_url_cleanup(url);
		return NULL;
	}
	return url;
}

/* NULL where the URL does not have the part. */
static char *
get_part(CURLU *url, CURLUPart which, unsigned int flags)
{
	char *part = NULL;

	return is_ok(curl_url_get(url, which, &part, flags)) ? part : NULL;
}

/* Parameters whose values help a reader and are no secret. */
static bool
is_public_parameter(const char *name, size_t length)
{
	static const char *const known[] = {
		"arch", "digest",   "from",    "last", "mount", "n",       "name",
		"page", "per_page", "release", "repo", "scope", "service", "tag",
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == length && memcmp(known[i], name, length) == 0)
			return true;
	return false;
}

static void
add_query_redacted(struct strbuf *out, const char *query)
{
	const char *separator = "?";

	for (const char *p = query; *p != '\0';) {
		size_t length = strcspn(p, "&");
		const char *equals = memchr(p, '=', length);

		strbuf_adds(out, separator);
		if (equals == NULL)
			strbuf_adds(out, "***");
		else if (is_public_parameter(p, (size_t)(equals - p)))
			strbuf_add(out, p, length);
		else
			strbuf_addf(out, "%.*s=***", (int)(equals - p), p);
		separator = "&";
		p += length;
		if (*p == '&')
			p++;
	}
}

char *
http_url_file(const char *text)
{
	auto_url url = parse(text);
	auto_part scheme = NULL;
	auto_part path = NULL;

	if (url != NULL) {
		scheme = get_part(url, CURLUPART_SCHEME, 0);
		path = get_part(url, CURLUPART_PATH, CURLU_URLDECODE);
	}
	if (scheme == NULL || path == NULL || strcmp(scheme, "file") != 0)
		return NULL;
	return xstrdup(path);
}

char *
http_url_redacted(const char *text)
{
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;
	auto_url url = parse(text);
	auto_part scheme = NULL;
	auto_part host = NULL;
	auto_part port = NULL;
	auto_part path = NULL;
	auto_part query = NULL;

	if (url == NULL)
		return xstrdup("(malformed URL)");
	scheme = get_part(url, CURLUPART_SCHEME, 0);
	host = get_part(url, CURLUPART_HOST, 0);
	port = get_part(url, CURLUPART_PORT, 0);
	path = get_part(url, CURLUPART_PATH, 0);
	query = get_part(url, CURLUPART_QUERY, 0);
	strbuf_addf(&out, "%s://%s", scheme, host != NULL ? host : "");
	if (port != NULL)
		strbuf_addf(&out, ":%s", port);
	strbuf_adds(&out, path != NULL ? path : "");
	if (query != NULL)
		add_query_redacted(&out, query);
	return strbuf_take(&out);
}

bool
http_url_has_scheme(const char *text, const char *wanted)
{
	auto_url url = parse(text);
	auto_part scheme = url != NULL ? get_part(url, CURLUPART_SCHEME, 0) : NULL;

	return scheme != NULL && strcasecmp(scheme, wanted) == 0;
}

bool
http_url_is_loopback(const char *text)
{
	auto_url url = parse(text);
	auto_part host = url != NULL ? get_part(url, CURLUPART_HOST, 0) : NULL;

	return host != NULL &&
	       (strcasecmp(host, "localhost") == 0 || http_place_of_text(host) == HTTP_PLACE_HERE);
}

bool
http_url_may_be_named(const char *text, enum http_place from)
{
	auto_free char *name = http_url_name(text);
	enum http_place place =
		http_url_is_loopback(text) ? HTTP_PLACE_HERE : http_place_of_text(name);

	if (from == HTTP_PLACE_ANY)
		return true;
	return !http_url_has_scheme(text, "file") &&
	       (place == HTTP_PLACE_ANY ||
		http_place_may_lead(from, place, http_url_has_scheme(text, "https")));
}

char *
http_url_name(const char *text)
{
	auto_url url = parse(text);
	auto_part host = url != NULL ? get_part(url, CURLUPART_HOST, 0) : NULL;

	return xstrdup(host != NULL ? host : "");
}

char *
http_url_host(const char *text)
{
	auto_url url = parse(text);
	auto_part host = url != NULL ? get_part(url, CURLUPART_HOST, 0) : NULL;
	auto_part port = url != NULL ? get_part(url, CURLUPART_PORT, 0) : NULL;

	return xasprintf("%s%s%s", host != NULL ? host : "", port != NULL ? ":" : "",
			 port != NULL ? port : "");
}

static bool
has_credentials(CURLU *url)
{
	auto_part user = get_part(url, CURLUPART_USER, 0);
	auto_part password = get_part(url, CURLUPART_PASSWORD, 0);

	return user != NULL || password != NULL;
}

int
http_url_check(const char *text, unsigned int allow, struct error *err)
{
	auto_url url = parse(text);
	auto_part scheme = url != NULL ? get_part(url, CURLUPART_SCHEME, 0) : NULL;
	auto_free char *shown = http_url_redacted(text);

	if (scheme == NULL)
		return error_set(err, ERR_INPUT, "malformed URL");
	if (has_credentials(url))
		return error_set(err, ERR_INPUT, "URL '%s' contains a user name or password",
				 shown);
	if (strcasecmp(scheme, "https") == 0)
		return 0;
	if (strcasecmp(scheme, "http") == 0) {
		if ((allow & HTTP_ALLOW_PLAIN) != 0 || http_url_is_loopback(text))
			return 0;
		return error_set(err, ERR_INPUT, "plain http is not allowed: '%s'", shown);
	}
	if (strcasecmp(scheme, "file") == 0 && (allow & HTTP_ALLOW_FILE) != 0)
		return 0;
	return error_set(err, ERR_INPUT, "scheme '%s' is not allowed: '%s'", scheme, shown);
}

int
http_url_resolve(const char *base, const char *reference, char **ret_url, struct error *err)
{
	auto_url url = parse(base);
	auto_part absolute = NULL;

	if (url != NULL && is_ok(curl_url_set(url, CURLUPART_URL, reference,
					      CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME)))
		absolute = get_part(url, CURLUPART_URL, 0);
	if (absolute == NULL) {
		auto_free char *shown = http_url_redacted(base);

		return error_set(err, ERR_REMOTE,
				 "malformed Location field in the response of '%s'", shown);
	}
	*ret_url = xstrdup(absolute);
	return 0;
}

static bool
same_part(CURLU *a, CURLU *b, CURLUPart which)
{
	auto_part left = get_part(a, which, CURLU_DEFAULT_PORT);
	auto_part right = get_part(b, which, CURLU_DEFAULT_PORT);

	return left != NULL && right != NULL && strcasecmp(left, right) == 0;
}

bool
http_url_same_origin(const char *a, const char *b)
{
	auto_url left = parse(a);
	auto_url right = parse(b);

	return left != NULL && right != NULL && same_part(left, right, CURLUPART_SCHEME) &&
	       same_part(left, right, CURLUPART_HOST) && same_part(left, right, CURLUPART_PORT);
}

char *
http_url_with_query(const char *url, const char *name, const char *value)
{
	auto_part encoded = curl_easy_escape(NULL, value, 0);

	if (encoded == NULL)
		out_of_memory();
	return xasprintf("%s%c%s=%s", url, strchr(url, '?') != NULL ? '&' : '?', name, encoded);
}

char *
http_url_of_file(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789/._~-+";
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;

	assert(path[0] == '/');
	strbuf_adds(&out, "file://");
	for (const char *p = path; *p != '\0'; p++) {
		if (strchr(plain, *p) != NULL)
			strbuf_add(&out, p, 1);
		else
			strbuf_addf(&out, "%%%02X", (unsigned int)(unsigned char)*p);
	}
	return strbuf_take(&out);
}
