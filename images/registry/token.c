/* SPDX-License-Identifier: MIT */
#include "images/registry/token.h"

#include "base/alloc.h"
#include "base/progress.h"
#include "base/strbuf.h"

#include <jansson.h>
#include <string.h>

/* What a token lives when the server does not say, and the least that is believed. */
#define DEFAULT_LIFE_SEC 60
#define MAX_TOKEN        65536

void
token_clear(struct token *token)
{
	if (token->text != NULL)
		explicit_bzero(token->text, strlen(token->text));
	free(token->text);
	*token = (struct token)TOKEN_INIT;
}

/* It goes into a header line: nothing in it may end that line. */
static bool
is_printable(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > MAX_TOKEN)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f)
			return false;
	return true;
}

int
token_parse(const char *name, const char *text, size_t length, struct token *ret_token,
	    struct error *err)
{
	json_t *root = json_loadb(text, length, 0, NULL);
	const char *token = json_string_value(json_object_get(root, "token"));
	const json_t *expires = json_object_get(root, "expires_in");
	double life = json_is_number(expires) ? json_number_value(expires) : DEFAULT_LIFE_SEC;

	if (token == NULL || *token == '\0')
		token = json_string_value(json_object_get(root, "access_token"));
	if (token == NULL || !is_printable(token)) {
		json_decref(root);
		return error_set(err, ERR_REMOTE, "the response of '%s' contains no token", name);
	}
	if (life < 1 || life > 1e9)
		life = DEFAULT_LIFE_SEC;
	/* Its time began before it arrived, and a request on the way takes some more. */
	*ret_token = (struct token){
		.text = xstrdup(token),
		.renew_at_sec = monotonic_sec() + life * 0.75,
	};
	json_decref(root);
	return 0;
}

/* Each scope is a parameter of its own. Returns the URL for GET. */
static char *
get_url(const struct token_request *request)
{
	char *url = xstrdup(request->realm), *next;
	const char *scope = request->scope;

	if (request->service != NULL) {
		next = http_url_with_query(url, "service", request->service);
		free(url);
		url = next;
	}
	while (*(scope += strspn(scope, " ")) != '\0') {
		size_t length = strcspn(scope, " ");
		auto_free char *one = xstrndup(scope, length);

		next = http_url_with_query(url, "scope", one);
		free(url);
		url = next;
		scope += length;
	}
	return url;
}

/* The same for the body of a POST: what follows the '?' of a URL is encoded in the same way. */
static char *
post_form(const struct token_request *request)
{
	const struct {
		const char *name, *value;
	} fields[] = {
		{"grant_type", "refresh_token"},
		{"client_id", "distributor"},
		{"service", request->service != NULL ? request->service : ""},
		{"scope", request->scope},
		{"refresh_token", request->credentials->secret},
	};
	char *url = xstrdup("https://localhost/"), *form;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char *next = http_url_with_query(url, fields[i].name, fields[i].value);

		explicit_bzero(url, strlen(url));
		free(url);
		url = next;
	}
	form = xstrdup(strchr(url, '?') + 1);
	explicit_bzero(url, strlen(url));
	free(url);
	return form;
}

static int
check_answer(const struct token_request *request, const struct http_response *response,
	     struct error *err)
{
	auto_free char *name = http_url_redacted(request->realm);

	if (response->status == 401 || response->status == 403) {
		if (request->credentials->secret == NULL)
			return error_set(err, ERR_DENIED,
					 "token server '%s' requires credentials; log in with "
					 "docker, podman or skopeo, or use --auth-file",
					 name);
		return error_set(err, ERR_DENIED, "'%s' rejected the credentials from '%s'", name,
				 request->credentials->origin);
	}
	return http_response_check(response, err);
}

int
token_fetch(struct http_client *http, const struct token_request *request, struct token *ret_token,
	    bool *ret_busy, struct error *err)
{
	static const char *const form_headers[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL};
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	bool refresh = request->credentials->secret != NULL && request->credentials->identity_token;
	auto_free char *url = refresh ? xstrdup(request->realm) : get_url(request);
	auto_free char *name = http_url_redacted(request->realm);
	char *form = refresh ? post_form(request) : NULL;
	char *authorization = !refresh && request->credentials->secret != NULL
				      ? credentials_basic(request->credentials)
				      : NULL;
	const struct http_body body = {
		.bytes = form, .fd = -1, .size = form != NULL ? strlen(form) : 0};
	const struct http_request get = {
		.method = refresh ? "POST" : "GET",
		.url = url,
		.allow = request->allow,
		.authorization = authorization,
		.headers = refresh ? form_headers : NULL,
		.body = refresh ? &body : NULL,
		.stay = refresh,
		.retry = HTTP_RETRY_ALWAYS,
		.again = request->again,
		.named_by = request->named_by,
	};
	int result = http_request(http, &get, &response, err);

	if (form != NULL)
		explicit_bzero(form, strlen(form));
	if (authorization != NULL)
		explicit_bzero(authorization, strlen(authorization));
	free(form);
	free(authorization);
	*ret_busy = response.status == 429;
	if (result == 0)
		result = check_answer(request, &response, err);
	if (result == 0)
		result = token_parse(name, response.body, response.length, ret_token, err);
	if (response.body != NULL)
		explicit_bzero(response.body, response.length);
	return result;
}
