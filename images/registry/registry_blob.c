/* SPDX-License-Identifier: MIT */
/*
 * Whether a registry has a blob, and the content of small ones.
 */
#include "images/registry/registry_internal.h"

#include "base/alloc.h"
#include "base/number.h"

#include <string.h>

/* Asks for a blob without its content. */
static int
send_for_blob(struct registry *registry, bool get, const char *name, struct http_response *response,
	      struct error *err)
{
	static const char *const first_byte[] = {"Range: bytes=0-0", NULL};
	auto_free char *tail = xasprintf("blobs/%s", name);
	auto_free char *url = registry_url(registry, tail);
	const struct registry_request request = {
		.method = get ? "GET" : "HEAD",
		.url = url,
		.headers = get ? first_byte : NULL,
		.scope = registry->pull_scope,
		.head_only = get,
	};

	return registry_send(registry, &request, response, err) < 0
		       ? error_prefix(err, "blob '%s'", name)
		       : 0;
}

/* The length of the whole, or UINT64_MAX where the answer does not tell. */
static uint64_t
whole_length(const struct http_response *response)
{
	const char *range = http_response_header(response, "Content-Range");
	const char *length = http_response_header(response, "Content-Length");
	struct http_content_range content;
	uint64_t size = UINT64_MAX;

	if (response->status == 206)
		return range != NULL && http_parse_content_range(range, &content) ? content.total
										  : UINT64_MAX;
	return length != NULL && parse_uint(length, UINT64_MAX, &size) ? size : UINT64_MAX;
}

enum registry_look
registry_head_blob(struct registry *registry, const struct digest *digest, uint64_t size,
		   struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	char name[OCI_DIGEST_SIZE];
	bool get = registry->no_head;
	const char *seen;
	uint64_t length;

	(void)oci_digest_text(digest, name);
	if (send_for_blob(registry, get, name, &response, err) < 0)
		return REGISTRY_FAILED;
	/* A length of 0 is that of an answer to HEAD that has no body. */
	if (!get && (http_head_is_refused(&response) ||
		     (response.status == 200 && size != 0 && whole_length(&response) == 0))) {
		registry_note_head(registry, &response);
		if (send_for_blob(registry, true, name, &response, err) < 0)
			return REGISTRY_FAILED;
	}
	if (response.status == 404)
		return REGISTRY_ABSENT;
	if (http_head_is_refused(&response))
		return REGISTRY_UNKNOWN;
	if (response.status != 200 && response.status != 206) {
		(void)registry_refused(&response, name, err);
		return REGISTRY_FAILED;
	}
	seen = http_response_header(&response, "Docker-Content-Digest");
	/* Something else under this name is as good as nothing. */
	if (seen != NULL && strcmp(seen, name) != 0)
		return REGISTRY_ABSENT;
	length = whole_length(&response);
	return length == UINT64_MAX || length == size ? REGISTRY_THERE : REGISTRY_ABSENT;
}

int
registry_get_blob(struct registry *registry, const struct digest *digest, uint64_t size,
		  char **ret_text, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	char name[OCI_DIGEST_SIZE];
	auto_free char *tail = xasprintf("blobs/%s", oci_digest_text(digest, name));
	auto_free char *url = registry_url(registry, tail);
	const struct registry_request request = {
		.url = url,
		.scope = registry->pull_scope,
		.max_response_bytes = OCI_MAX_DOCUMENT,
	};
	struct digest seen;

	if (size > OCI_MAX_DOCUMENT)
		return error_set(err, ERR_INPUT, "blob '%s' is too large to read", name);
	if (registry_send(registry, &request, &response, err) < 0)
		return error_prefix(err, "blob '%s'", name);
	if (response.status != 200)
		return registry_refused(&response, name, err);
	digest_of(response.body, response.length, &seen);
	if (response.length != size || !digest_equal(&seen, digest))
		return error_set(err, ERR_VERIFY, "'%s' served blob '%s' with another digest",
				 registry->reference->registry, name);
	*ret_text = TAKE(response.body);
	return 0;
}
