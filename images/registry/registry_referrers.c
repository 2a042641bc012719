/* SPDX-License-Identifier: MIT */
/*
 * The manifests whose subject another one is:
 *
 *     GET referrers/DIGEST     200: an index; Link: <...>; rel="next" where it goes on
 *     GET manifests/sha256-HEX the list that clients keep where the answer is 404
 */
#include "images/registry/registry_internal.h"

#include "base/alloc.h"
#include "images/signature.h"
#include "net/headers.h"

/* More is no list of signatures. */
enum { MAX_PAGES = 64, MAX_REFERRERS = 10000 };

static int
get_page(struct registry *registry, const char *url, struct http_response *response,
	 struct error *err)
{
	static const char *const headers[] = {"Accept: application/vnd.oci.image.index.v1+json",
					      NULL};
	const struct registry_request request = {
		.url = url,
		.headers = headers,
		.scope = registry->pull_scope,
		.max_response_bytes = OCI_MAX_DOCUMENT,
	};

	return registry_send(registry, &request, response, err);
}

static int
add_page(const struct http_response *response, struct oci_parsed *list, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed page = OCI_PARSED_INIT;

	if (oci_parse("referrers", response->body, response->length, &page, err) < 0)
		return -1;
	if (page.manifests.count > MAX_REFERRERS - list->manifests.count)
		return error_set(err, ERR_REMOTE, "the list has more than %d entries",
				 MAX_REFERRERS);
	for (size_t i = 0; i < page.manifests.count; i++)
		oci_descriptor_copy(&page.manifests.items[i],
				    oci_descriptors_add(&list->manifests));
	return 0;
}

/* Stores the URL of the next page, or NULL. */
static int
next_page(const struct registry *registry, const struct http_response *response, char **ret_url,
	  struct error *err)
{
	auto_free char *link = http_next_link(http_response_header(response, "Link"));
	auto_free char *url = NULL;

	if (link != NULL && http_url_resolve(response->url, link, &url, err) < 0)
		return -1;
	if (url != NULL && !http_url_same_origin(registry->base, url)) {
		auto_free char *shown = http_url_redacted(url);

		return error_set(err, ERR_REMOTE, "its next page is at '%s', which is not '%s'",
				 shown, registry->reference->registry);
	}
	*ret_url = TAKE(url);
	return 0;
}

/* Returns 1, or 0 if the registry does not have the API, or -1. */
static int
ask_api(struct registry *registry, const struct digest *digest, struct oci_parsed *list,
	struct error *err)
{
	char name[OCI_DIGEST_SIZE];
	auto_free char *tail = xasprintf("referrers/%s", oci_digest_text(digest, name));
	auto_free char *url = registry_url(registry, tail);

	for (int page = 1; url != NULL; page++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *next = NULL;

		if (page > MAX_PAGES)
			return error_set(err, ERR_REMOTE, "the list has too many pages");
		if (get_page(registry, url, &response, err) < 0)
			return -1;
		if (page == 1 &&
		    (response.status == 404 || response.status == 400 || response.status == 405))
			return 0;
		if (response.status != 200)
			return registry_refused(&response, "no list", err);
		if (add_page(&response, list, err) < 0 ||
		    next_page(registry, &response, &next, err) < 0)
			return -1;
		free(url);
		url = TAKE(next);
	}
	return 1;
}

static int
ask_fallback(struct registry *registry, const struct digest *digest, struct oci_parsed *list,
	     struct error *err)
{
	struct registry_manifest manifest = {.media_type = NULL};
	auto_free char *tag = signature_fallback_tag(digest);
	auto_free char *text = NULL;
	int result = registry_get_manifest(registry, tag, &manifest, &text, err);

	if (result == 1)
		result = oci_parse(tag, text, (size_t)manifest.size, list, err);
	registry_manifest_clear(&manifest);
	return result < 0 ? -1 : 0;
}

int
registry_list_referrers(struct registry *registry, const struct digest *digest,
			struct oci_parsed *ret_index, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed list = OCI_PARSED_INIT;
	char name[OCI_DIGEST_SIZE];
	int result = ask_api(registry, digest, &list, err);

	if (result < 0)
		return error_prefix(err, "referrers of '%s'", oci_digest_text(digest, name));
	*ret_index = list;
	list = (struct oci_parsed)OCI_PARSED_INIT;
	return result;
}

int
registry_referrers(struct registry *registry, const struct digest *digest,
		   struct oci_parsed *ret_index, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed list = OCI_PARSED_INIT;
	int result = registry_list_referrers(registry, digest, &list, err);

	if (result < 0 || (result == 0 && ask_fallback(registry, digest, &list, err) < 0))
		return -1;
	*ret_index = list;
	list = (struct oci_parsed)OCI_PARSED_INIT;
	return 0;
}
