/* SPDX-License-Identifier: MIT */
#include "images/registry/registry_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <jansson.h>
#include <string.h>

/* All four: a registry may hide what the client does not say it knows. */
#define ACCEPT                                                                                     \
	"Accept: application/vnd.oci.image.index.v1+json, "                                        \
	"application/vnd.oci.image.manifest.v1+json, "                                             \
	"application/vnd.docker.distribution.manifest.list.v2+json, "                              \
	"application/vnd.docker.distribution.manifest.v2+json"

/*
 * How often one request is sent because of 401: without a token, with one, with a fresh one; and as
 * often again when the login was given up, which happens once.
 */
enum { MAX_ROUNDS = 3, LOCAL_TRIES = 3 };

char *
registry_url(const struct registry *registry, const char *tail)
{
	return xasprintf("%s%s/%s", registry->base, registry->reference->path, tail);
}

unsigned int
registry_allow(const struct registry *registry)
{
	return registry->options.auth.plain_http ? HTTP_ALLOW_PLAIN : 0;
}

void
registry_free(struct registry *registry)
{
	if (registry == NULL)
		return;
	auth_free(registry->auth);
	free(registry->base);
	free(registry->pull_scope);
	free(registry->push_scope);
	free(registry);
}

void
registry_freep(struct registry **registry)
{
	registry_free(*registry);
	*registry = NULL;
}

const struct reference *
registry_reference(const struct registry *registry)
{
	return registry->reference;
}

void
registry_manifest_clear(struct registry_manifest *manifest)
{
	free(manifest->media_type);
	*manifest = (struct registry_manifest){.media_type = NULL};
}

void
registry_note_head(struct registry *registry, const struct http_response *response)
{
	/* A 403 may be a passing one; GET is counted by some, and not asked without need. */
	if (response->status == 405 || response->status == 501)
		registry->no_head = true;
}

/* The 401 of a server that an upload or a redirect led to says nothing about our credentials. */
static bool
asks_for_login(const struct registry *registry, const struct http_response *response)
{
	return response->status == 401 && http_url_same_origin(registry->base, response->url);
}

/* HEAD is not sent again for a 403: GET may answer it. */
static enum http_again
again_of(const struct registry *registry, const struct registry_request *request)
{
	if (request->method != NULL && strcmp(request->method, "HEAD") == 0)
		return HTTP_AGAIN_ANY;
	return auth_again(registry->auth);
}

/*
 * What an answer to a request with this authorization means for the next: 1 to send it again, 2 to
 * do so with a round counted from the first, 0, or -1.
 */
static int
settle(struct registry *registry, const struct registry_request *request, int round,
       const char *authorization, const struct http_response *response, struct error *err)
{
	int result;

	if (asks_for_login(registry, response)) {
		result = round < MAX_ROUNDS
				 ? auth_challenged(registry->auth, response, authorization,
						   request->scope, err)
				 : auth_refused(registry->auth, authorization, request->scope, err);
		return result < 0 ? -1 : result + 1;
	}
	auth_answered(registry->auth, authorization, response->status);
	return auth_give_up_login(registry->auth, response, authorization) ? 2 : 0;
}

int
registry_send(struct registry *registry, const struct registry_request *request,
	      struct http_response *ret_response, struct error *err)
{
	bool own = http_url_same_origin(registry->base, request->url);
	int next = 1;

	for (int round = 1; next > 0; round = next == 2 ? 1 : round + 1) {
		char *authorization = NULL;
		struct http_request http = {
			.method = request->method,
			.url = request->url,
			.allow = registry_allow(registry),
			.headers = request->headers,
			.body = request->body,
			.max_response_bytes = request->max_response_bytes,
			.head_only = request->head_only,
			.retry = request->retry,
			.again = own ? again_of(registry, request) : HTTP_AGAIN_ANY,
			.tries = request->tries,
			.named_by = request->named_by,
			.progress = request->progress,
		};

		/* A storage server that an upload was sent to has no business with the token. */
		next = own ? auth_header(registry->auth, request->scope, &authorization, err) : 0;
		http.authorization = authorization;
		if (next == 0) {
			http_response_clear(ret_response);
			next = http_request(registry->http, &http, ret_response, err);
			if (next < 0)
				auth_answered(registry->auth, authorization, 0);
			else if (own)
				next = settle(registry, request, round, authorization, ret_response,
					      err);
		}
		if (authorization != NULL)
			explicit_bzero(authorization, strlen(authorization));
		free(authorization);
	}
	return next;
}

/* The first error of an answer's document; NULL if it is none. Texts are borrowed from `*root`. */
static const char *
first_error(const struct http_response *response, json_t **root, const char **ret_message)
{
	const json_t *error;

	*root = json_loadb(response->body != NULL ? response->body : "", response->length, 0, NULL);
	error = json_array_get(json_object_get(*root, "errors"), 0);
	*ret_message = json_string_value(json_object_get(error, "message"));
	return json_string_value(json_object_get(error, "code"));
}

bool
registry_has_code(const struct http_response *response, const char *code)
{
	const char *seen, *message;
	json_t *root;
	bool result;

	seen = first_error(response, &root, &message);
	result = seen != NULL && strcmp(seen, code) == 0;
	json_decref(root);
	return result;
}

int
registry_refused(const struct http_response *response, const char *what, struct error *err)
{
	const char *code, *message;
	json_t *root;

	if (http_response_check(response, err) == 0)
		return error_set(err, ERR_REMOTE, "%s: unexpected status %d", what,
				 response->status);
	code = first_error(response, &root, &message);
	if (code != NULL && strlen(code) < 64) {
		error_set(err, err->code, "%s: status %d, %s%s%.200s", what, response->status, code,
			  message != NULL ? ": " : "", message != NULL ? message : "");
		err->remote = true;
	} else {
		error_prefix(err, "%s", what);
	}
	json_decref(root);
	return -1;
}

static bool
speaks(struct http_client *http, const char *scheme, const char *host)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *url = xasprintf("%s://%s/v2/", scheme, host);
	struct http_request request = {.url = url, .retry = HTTP_RETRY_NEVER};
	struct error err = ERROR_INIT;

	if (http_request(http, &request, &response, &err) == 0)
		return response.status != 400;
	/* A certificate that nobody vouches for is one. */
	return err.code == ERR_VERIFY;
}

/*
 * What a registry on this machine speaks: one that wants TLS answers 400 to http, or not at all;
 * but no answer may also be a connection that was lost.
 */
static const char *
local_scheme(struct http_client *http, const char *host)
{
	static const char *const schemes[] = {"http", "https"};

	for (size_t i = 0; i < LOCAL_TRIES * ARRAY_SIZE(schemes); i++)
		if (speaks(http, schemes[i % ARRAY_SIZE(schemes)], host))
			return schemes[i % ARRAY_SIZE(schemes)];
	return "https";
}

static int
ping(struct registry *registry, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {
		.url = registry->base,
		.allow = registry_allow(registry),
	};

	if (http_request(registry->http, &request, &response, err) < 0)
		return -1;
	/* 401 is an answer too: the scheme is learnt again by the request that needs it. */
	if (response.status == 200 || response.status == 401)
		return 0;
	if (response.status == 404)
		return error_set(err, ERR_DENIED,
				 "'%s' is not a container registry: it has no /v2/",
				 registry->reference->host);
	return registry_refused(&response, "the registry does not answer", err);
}

int
registry_open(struct http_client *http, const struct reference *repository,
	      const struct registry_options *options, struct registry **ret_registry,
	      struct error *err)
{
	AUTO(registry_freep) struct registry *registry = xcalloc(1, sizeof(*registry));
	const char *scheme = options->auth.plain_http ? "http" : "https";

	if (!options->auth.plain_http && reference_host_is_loopback(repository->host))
		scheme = local_scheme(http, repository->host);
	registry->http = http;
	registry->reference = repository;
	registry->options = *options;
	registry->auth = auth_new(http, repository, &options->auth);
	registry->base = xasprintf("%s://%s/v2/", scheme, repository->host);
	registry->pull_scope = xasprintf("repository:%s:pull", repository->path);
	registry->push_scope = xasprintf("repository:%s:pull,push", repository->path);
	if (ping(registry, err) < 0)
		return error_prefix(err, "'%s'", repository->registry);
	*ret_registry = TAKE(registry);
	return 0;
}

static int
send_for_manifest(struct registry *registry, const char *method, const char *name,
		  struct http_response *response, struct error *err)
{
	static const char *const headers[] = {ACCEPT, NULL};
	auto_free char *tail = xasprintf("manifests/%s", name);
	auto_free char *url = registry_url(registry, tail);
	const struct registry_request request = {
		.method = method,
		.url = url,
		.headers = headers,
		.scope = registry->pull_scope,
		.max_response_bytes = OCI_MAX_DOCUMENT,
	};

	return registry_send(registry, &request, response, err) < 0
		       ? error_prefix(err, "'%s'", name)
		       : 0;
}

static char *
media_type_of(const struct http_response *response)
{
	const char *type = http_response_header(response, "Content-Type");

	return type != NULL ? xstrndup(type, strcspn(type, "; ")) : NULL;
}

int
registry_get_manifest(struct registry *registry, const char *name,
		      struct registry_manifest *ret_manifest, char **ret_text, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct digest wanted, seen;

	if (send_for_manifest(registry, "GET", name, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return 0;
	if (response.status != 200)
		return registry_refused(&response, name, err);
	digest_of(response.body, response.length, &seen);
	if (oci_digest_parse(name, &wanted) && !digest_equal(&wanted, &seen))
		return error_set(err, ERR_VERIFY, "'%s' served '%s' with another digest",
				 registry->reference->registry, name);
	*ret_manifest = (struct registry_manifest){
		.media_type = media_type_of(&response),
		.digest = seen,
		.size = response.length,
	};
	if (ret_text != NULL)
		*ret_text = TAKE(response.body);
	return 1;
}

/*
 * Whether the head of an answer tells what is there. Some answer HEAD with a length of 0, or none.
 */
static bool
read_head(const struct http_response *response, struct registry_manifest *ret_manifest)
{
	const char *digest_text = http_response_header(response, "Docker-Content-Digest");
	const char *length_text = http_response_header(response, "Content-Length");
	struct registry_manifest manifest = {.media_type = NULL};

	if (digest_text == NULL || !oci_digest_parse(digest_text, &manifest.digest) ||
	    length_text == NULL || !parse_uint(length_text, UINT64_MAX, &manifest.size) ||
	    manifest.size == 0)
		return false;
	manifest.media_type = media_type_of(response);
	*ret_manifest = manifest;
	return true;
}

int
registry_head_manifest(struct registry *registry, const char *name,
		       struct registry_manifest *ret_manifest, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	if (!registry->no_head) {
		if (send_for_manifest(registry, "HEAD", name, &response, err) < 0)
			return -1;
		if (response.status == 404)
			return 0;
		if (response.status == 200 && read_head(&response, ret_manifest))
			return 1;
		if (response.status != 200 && !http_head_is_refused(&response))
			return registry_refused(&response, name, err);
		registry_note_head(registry, &response);
	}
	return registry_get_manifest(registry, name, ret_manifest, NULL, err);
}

/* After 201: the digest that the registry has computed, if it says so, is the one that was sent. */
static int
check_stored(const struct http_response *response, const char *name,
	     const struct oci_document *document, struct error *err)
{
	const char *text = http_response_header(response, "Docker-Content-Digest");
	char want[OCI_DIGEST_SIZE];

	(void)oci_digest_text(&document->descriptor.digest, want);
	if (text == NULL || strcmp(text, want) == 0)
		return 0;
	return error_set(err, ERR_VERIFY, "the registry stored '%s' as %.80s, expected %s", name,
			 text, want);
}

int
registry_put_manifest(struct registry *registry, const char *name,
		      const struct oci_document *document, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *tail = xasprintf("manifests/%s", name);
	auto_free char *url = registry_url(registry, tail);
	auto_free char *type = xasprintf("Content-Type: %s", document->descriptor.media_type);
	const char *const headers[] = {type, NULL};
	const struct http_body body = {.bytes = document->text, .fd = -1, .size = document->length};
	const struct registry_request request = {
		.method = "PUT",
		.url = url,
		.headers = headers,
		.body = &body,
		.scope = registry->push_scope,
		/* The same bytes under the same name: a second time changes nothing. */
		.retry = HTTP_RETRY_ALWAYS,
	};

	if (registry_send(registry, &request, &response, err) < 0)
		return error_prefix(err, "'%s'", name);
	if (registry_has_code(&response, "MANIFEST_BLOB_UNKNOWN") ||
	    registry_has_code(&response, "BLOB_UNKNOWN")) {
		(void)registry_refused(&response, name, err);
		err->code = ERR_NOT_FOUND;
		err->remote = true;
		return -1;
	}
	/*
	 * The digest is right. The registry has read a file that another request is just writing.
	 */
	if (registry_has_code(&response, "DIGEST_INVALID")) {
		(void)registry_refused(&response, name, err);
		err->code = ERR_BUSY;
		return -1;
	}
	if (response.status < 200 || response.status > 299)
		return registry_refused(&response, name, err);
	return check_stored(&response, name, document, err);
}
