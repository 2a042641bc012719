/* SPDX-License-Identifier: MIT */
#include "sources/fedora/fedora_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "sources/fedora/repodata.h"
#include "sources/rpm/rpm_version.h"

#include <string.h>

#define REPOMD          "repodata/repomd.xml"
#define MAX_METALINK    (4U << 20)
#define MAX_REPOMD      (4U << 20)
#define MAX_PRIMARY     (UINT64_C(1) << 30)
#define MAX_MIRRORS     8U /* tried for the metadata */
#define MAX_MIRROR_URLS 4U /* written down for each package */

/* The text with {release} and {arch} replaced, to be freed by the caller. */
static char *
expand(const char *template, const struct fedora_query *query, const struct arch *host)
{
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;

	while (*template != '\0') {
		if (text_starts_with(template, "{release}")) {
			strbuf_addf(&out, "%llu", (unsigned long long)query->release);
			template += strlen("{release}");
		} else if (text_starts_with(template, "{arch}")) {
			strbuf_adds(&out, host->fedora);
			template += strlen("{arch}");
		} else {
			strbuf_add(&out, template ++, 1);
		}
	}
	return strbuf_take(&out);
}

/* The base URLs of one repository, and what its repomd.xml has to be. */
struct mirrors {
	char *urls[MAX_MIRRORS]; /* with a '/' at the end; owned */
	size_t count;
	struct metalink metalink; /* of digests only; count 0 without a metalink */
	enum http_place named_by; /* where the server of the metalink is */
};

static void
mirrors_clear(struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->count; i++)
		free(mirrors->urls[i]);
	metalink_clear(&mirrors->metalink);
}

static int
find_mirrors(struct http_client *client, const char *repository, struct mirrors *mirrors,
	     struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.allow = FEDORA_ALLOW, .max_response_bytes = MAX_METALINK};
	auto_free char *shown = NULL;

	if (!text_starts_with(repository, "metalink:")) {
		const char *slash = text_ends_with(repository, "/") ? "" : "/";

		mirrors->urls[mirrors->count++] = xasprintf("%s%s", repository, slash);
		return 0;
	}
	repository += strlen("metalink:");
	shown = http_url_redacted(repository);
	request.url = repository;
	if (http_request(client, &request, &response, err) < 0 ||
	    http_response_check(&response, err) < 0 ||
	    metalink_parse(shown, response.body, response.length, &mirrors->metalink, err) < 0)
		return -1;
	mirrors->named_by = response.place;
	for (size_t i = 0; i < mirrors->metalink.url_count && mirrors->count < MAX_MIRRORS; i++) {
		const char *url = mirrors->metalink.urls[i];

		/* Nor is it noted in a lock, which is the user's. */
		if (!http_url_may_be_named(url, response.place))
			continue;
		mirrors->urls[mirrors->count++] = xstrndup(url, strlen(url) - strlen(REPOMD));
	}
	if (mirrors->count == 0)
		return error_set(err, ERR_REMOTE,
				 "'%s' names only local files, or servers that a server elsewhere "
				 "must not name",
				 shown);
	return 0;
}

static bool
is_expected(const struct metalink *metalink, const struct digest *digest)
{
	for (size_t i = 0; i < metalink->digest_count; i++) {
		if (digest_equal(&metalink->digests[i], digest))
			return true;
	}
	return metalink->digest_count == 0;
}

static int
get_repomd(struct http_client *client, const struct mirrors *mirrors, const char *base,
	   struct repomd *ret_repomd, enum http_place *ret_place, struct error *err)
{
	auto_free char *url = xasprintf("%s" REPOMD, base);
	auto_free char *shown = http_url_redacted(url);
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	const struct http_request request = {.url = url,
					     .allow = FEDORA_ALLOW,
					     .named_by = mirrors->named_by,
					     .max_response_bytes = MAX_REPOMD};
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];

	if (http_request(client, &request, &response, err) < 0 ||
	    http_response_check(&response, err) < 0)
		return -1;
	digest_of(response.body, response.length, &digest);
	if (!is_expected(&mirrors->metalink, &digest))
		return error_set(err, ERR_VERIFY,
				 "'%s' does not match the metalink: its sha256 is %s", shown,
				 digest_hex(&digest, hex));
	*ret_place = response.place;
	return repomd_parse(shown, response.body, response.length, ret_repomd, err);
}

/*
 * Metadata may say that a file lies elsewhere: xml:base, a URL, or a path below the repository.
 * What comes from a server at `from` does not lead to files of this machine, or to servers nearer
 * to it. Stores the URL to which locations are joined, to be freed by the caller.
 */
static int
choose_base(const char *repository, const char *base, enum http_place from, char **ret_base,
	    struct error *err)
{
	auto_free char *shown = base != NULL ? http_url_redacted(base) : NULL;
	const char *slash = base != NULL && !text_ends_with(base, "/") ? "/" : "";
	bool is_url = base != NULL && strstr(base, "://") != NULL;

	if (base == NULL) {
		*ret_base = xstrdup(repository);
		return 0;
	}
	if (!is_url && !location_is_safe(base))
		return error_set(err, ERR_INPUT, "invalid base '%s'", base);
	if (is_url && http_url_check(base, HTTP_ALLOW_PLAIN | HTTP_ALLOW_FILE, err) < 0)
		return -1;
	if (is_url && !http_url_may_be_named(base, from))
		return error_set(err, ERR_INPUT,
				 "base '%s' is on or near this machine, but the repository is not",
				 shown);
	*ret_base = xasprintf("%s%s%s", is_url ? "" : repository, base, slash);
	return 0;
}

/* Fetches the list of packages into a nameless file and checks it. Returns the descriptor. */
static int
get_primary(struct http_client *client, enum http_place named_by, const char *repository,
	    const struct repomd *repomd, struct error *err)
{
	auto_free char *base = NULL;
	auto_free char *url = NULL;
	auto_free char *shown = NULL;
	auto_close int fd = -1;
	struct http_request request = {.allow = FEDORA_ALLOW, .named_by = named_by};
	struct http_download download = {.max_bytes = MAX_PRIMARY};
	struct http_downloaded got;
	int result;

	if (choose_base(repository, repomd->base, named_by, &base, err) < 0)
		return -1;
	url = xasprintf("%s%s", base, repomd->location);
	shown = http_url_redacted(url);
	request.url = url;
	download.name = shown;
	fd = nameless_file(err);
	if (fd < 0)
		return -1;
	download.fd = fd;
	if (repomd->size != 0 && repomd->size < MAX_PRIMARY)
		download.max_bytes = repomd->size;
	if (http_download(client, &request, &download, &got, err) < 0 ||
	    repo_checksum_check(&repomd->checksum, fd, shown, &got.sha256, err) < 0)
		return -1;
	result = fd;
	fd = -1;
	return result;
}

/* What is gathered while the list of packages is read. */
struct search {
	const struct fedora_query *query;
	const struct arch *host;
	const char *binary_name;
	const char *evr; /* wanted, or NULL for the newest */
	const struct mirrors *mirrors;
	size_t mirror;         /* the one that the list came from */
	enum http_place place; /* where its server is */
	struct package_list *list;
	size_t with_emulators;
	char *fault; /* why one of the list cannot be taken; owned */
};

static void
search_reset(struct search *search)
{
	package_list_clear(search->list);
	search->with_emulators = 0;
	free(search->fault);
	search->fault = NULL;
}

static int
add_urls(const struct search *search, struct package *package, const struct repo_package *found,
	 struct error *err)
{
	const char *repository = search->mirrors->urls[search->mirror];
	const char *location = found->location;
	auto_free char *base = NULL;
	auto_free char *first = NULL;

	if (choose_base(repository, found->base, search->place, &base, err) < 0)
		return -1;
	first = xasprintf("%s%s", base, location);
	package_add_url(package, first);
	/* What lies elsewhere is not on the mirrors. */
	for (size_t i = 0; found->base == NULL && i < search->mirrors->count &&
			   package->url_count < MAX_MIRROR_URLS;
	     i++) {
		auto_free char *url = xasprintf("%s%s", search->mirrors->urls[i], location);

		if (i != search->mirror)
			package_add_url(package, url);
	}
	return 0;
}

/* Whether the package is of the host and the build that is looked for, as far as is known now. */
static bool
is_candidate(struct search *search, const struct repo_package *found)
{
	auto_free char *source = xasprintf("%s-", search->query->package);
	int order;

	if (strcmp(found->arch, search->host->fedora) != 0 ||
	    !fedora_name_fits(search->binary_name, found->name) ||
	    !text_starts_with(found->source_rpm, source))
		return false;
	if (search->evr != NULL)
		return rpm_evr_compare(found->evr, search->evr) == 0;
	if (search->list->count == 0)
		return true;
	order = rpm_evr_compare(found->evr, search->list->items[0].version);
	if (order > 0)
		search_reset(search);
	return order >= 0;
}

/* A package that cannot be taken is remembered: there may be a newer one, and all is well. */
static void
remember_fault(struct search *search, const struct repo_package *found, const char *fault)
{
	if (search->fault == NULL)
		search->fault = xasprintf("package '%s' %s %s: '%s'", found->name, found->evr,
					  fault, found->location);
}

static int
on_package(void *context, const struct repo_package *found, struct error *err)
{
	struct search *search = context;
	struct error fault = ERROR_INIT;
	struct package *package;

	(void)err;
	if (!is_candidate(search, found))
		return 0;
	package = fedora_add(search->list, search->query, search->host, found->name, found->evr,
			     found->file);
	package->size = found->size;
	/* Zero if the list has only a SHA-512; what is fetched then is judged by its signature. */
	package->sha256 = found->checksum.sha256;
	search->with_emulators += found->has_emulators;
	if (found->fault != NULL)
		remember_fault(search, found, found->fault);
	else if (add_urls(search, package, found, &fault) < 0)
		remember_fault(search, found, fault.message);
	return 0;
}

static int
search_mirror(struct http_client *client, struct search *search, struct error *err)
{
	const char *base = search->mirrors->urls[search->mirror];
	AUTO(repomd_clear) struct repomd repomd = {.location = NULL};
	auto_close int fd = -1;

	if (get_repomd(client, search->mirrors, base, &repomd, &search->place, err) < 0)
		return -1;
	fd = get_primary(client, search->place, base, &repomd, err);
	if (fd < 0)
		return -1;
	if (primary_scan(fd, compression_of_name(repomd.location), repomd.location,
			 search->binary_name, on_package, search, err) < 0)
		return -1;
	if (search->fault != NULL)
		return error_set(err, ERR_INPUT, "%s", search->fault);
	return 0;
}

/* Metadata that cannot be had from one mirror, or is damaged there, is had from the next one. */
static int
search_mirrors(struct http_client *client, struct search *search, struct error *err)
{
	for (search->mirror = 0; search->mirror < search->mirrors->count; search->mirror++) {
		search_reset(search);
		if (search_mirror(client, search, err) == 0)
			return 0;
		if (err->code == ERR_INTERRUPTED)
			return -1;
		log_debug("%s", err->message);
	}
	return -1;
}

static int
check_found(const struct search *search, const char *repository, struct error *err)
{
	auto_free char *shown = http_url_redacted(repository);

	if (search->list->count == 0)
		return error_set_absent(err, "'%s' has no %s%s%s for %s", shown,
					search->binary_name, search->evr != NULL ? " " : "",
					search->evr != NULL ? search->evr : "",
					search->host->fedora);
	if (search->with_emulators == 0)
		return error_set_absent(err,
					"'%s' has only the empty %s %s for %s, but none of the "
					"packages that it requires",
					shown, search->binary_name, search->list->items[0].version,
					search->host->fedora);
	return 0;
}

int
repository_resolve(struct http_client *client, const struct fedora_query *query,
		   const char *repository, const struct arch *host, const char *evr,
		   struct package_list *list, struct error *err)
{
	AUTO(mirrors_clear) struct mirrors mirrors = {.count = 0};
	auto_free char *binary_name = fedora_binary_name(query);
	auto_free char *expanded = expand(repository, query, host);
	struct search search = {
		.query = query,
		.host = host,
		.binary_name = binary_name,
		.evr = evr,
		.mirrors = &mirrors,
		.list = list,
	};
	int r = find_mirrors(client, expanded, &mirrors, err);

	if (r == 0)
		r = search_mirrors(client, &search, err);
	free(search.fault);
	if (r < 0)
		return -1;
	if (text_starts_with(expanded, "metalink:"))
		return check_found(&search, expanded + strlen("metalink:"), err);
	return check_found(&search, expanded, err);
}
