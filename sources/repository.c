#include "sources/fedora_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "sources/repodata.h"
#include "sources/rpm_version.h"

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
	AUTO(strbuf_release) struct strbuf out = STRBUF_INIT;

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
};

static void
mirrors_release(struct mirrors *mirrors)
{
	for (size_t i = 0; i < mirrors->count; i++)
		free(mirrors->urls[i]);
	metalink_release(&mirrors->metalink);
}

static int
find_mirrors(struct http_client *client, const char *repository, struct mirrors *mirrors,
	     struct error *err)
{
	auto_free char *text = NULL;
	auto_free char *shown = NULL;
	size_t length;

	if (!text_starts_with(repository, "metalink:")) {
		const char *slash = text_ends_with(repository, "/") ? "" : "/";

		mirrors->urls[mirrors->count++] = xasprintf("%s%s", repository, slash);
		return 0;
	}
	repository += strlen("metalink:");
	shown = http_url_redacted(repository);
	if (http_get(client, repository, FEDORA_ALLOW, MAX_METALINK, &text, &length, err) < 0 ||
	    metalink_parse(shown, text, length, &mirrors->metalink, err) < 0)
		return -1;
	for (size_t i = 0; i < mirrors->metalink.url_count && mirrors->count < MAX_MIRRORS; i++) {
		const char *url = mirrors->metalink.urls[i];

		mirrors->urls[mirrors->count++] = xstrndup(url, strlen(url) - strlen(REPOMD));
	}
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
	   struct repomd *ret_repomd, struct error *err)
{
	auto_free char *url = xasprintf("%s" REPOMD, base);
	auto_free char *shown = http_url_redacted(url);
	auto_free char *text = NULL;
	struct digest digest;
	char hex[DIGEST_HEX_SIZE];
	size_t length;

	if (http_get(client, url, FEDORA_ALLOW, MAX_REPOMD, &text, &length, err) < 0)
		return -1;
	digest_of(text, length, &digest);
	if (!is_expected(&mirrors->metalink, &digest))
		return error_set(err, ERR_VERIFY,
				 "'%s' is not what the metalink says: its sha256 is %s", shown,
				 digest_hex(&digest, hex));
	return repomd_parse(shown, text, length, ret_repomd, err);
}

/* Fetches the list of packages into a nameless file and checks it. Returns the descriptor. */
static int
get_primary(struct http_client *client, const char *base, const struct repomd *repomd,
	    struct error *err)
{
	auto_free char *url = xasprintf("%s%s", base, repomd->location);
	auto_free char *shown = http_url_redacted(url);
	auto_close int fd = -1;
	const struct http_request request = {.url = url, .allow = FEDORA_ALLOW};
	struct http_download download = {.name = shown, .max_bytes = MAX_PRIMARY};
	struct http_downloaded got;
	char want_hex[DIGEST_HEX_SIZE], got_hex[DIGEST_HEX_SIZE];
	int result;

	fd = nameless_file(err);
	if (fd < 0)
		return -1;
	download.fd = fd;
	if (repomd->size != 0 && repomd->size < MAX_PRIMARY)
		download.max_bytes = repomd->size;
	if (http_download(client, &request, &download, &got, err) < 0)
		return -1;
	if (!digest_equal(&got.sha256, &repomd->sha256))
		return error_set(err, ERR_VERIFY, "sha256 of '%s' is %s, not %s", shown,
				 digest_hex(&got.sha256, got_hex),
				 digest_hex(&repomd->sha256, want_hex));
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
	size_t mirror; /* the one that the list came from */
	struct package_list *list;
	size_t with_emulators;
};

static void
add_urls(const struct search *search, struct package *package, const char *location)
{
	auto_free char *first = xasprintf("%s%s", search->mirrors->urls[search->mirror], location);

	package_add_url(package, first);
	for (size_t i = 0; i < search->mirrors->count && package->url_count < MAX_MIRROR_URLS;
	     i++) {
		auto_free char *url = xasprintf("%s%s", search->mirrors->urls[i], location);

		if (i != search->mirror)
			package_add_url(package, url);
	}
}

static int
on_package(void *context, const struct repo_package *found, struct error *err)
{
	struct search *search = context;
	auto_free char *source = xasprintf("%s-", search->query->package);
	const char *file = path_base(found->location);
	struct package *package;

	if (strcmp(found->arch, search->host->fedora) != 0 ||
	    !fedora_name_fits(search->binary_name, found->name) ||
	    !text_starts_with(found->source_rpm, source))
		return 0;
	if (search->evr != NULL && rpm_evr_compare(found->evr, search->evr) != 0)
		return 0;
	if (search->evr == NULL && search->list->count > 0) {
		int order = rpm_evr_compare(found->evr, search->list->items[0].version);

		if (order < 0)
			return 0;
		if (order > 0) {
			package_list_release(search->list);
			search->with_emulators = 0;
		}
	}
	if (!name_is_plain(file))
		return error_set(err, ERR_INPUT, "package '%s' has the file name '%s'", found->name,
				 file);
	package = fedora_add(search->list, search->query, search->host, found->name, found->evr,
			     file);
	package->size = found->size;
	package->sha256 = found->sha256;
	add_urls(search, package, found->location);
	search->with_emulators += found->has_emulators;
	return 0;
}

static int
search_mirror(struct http_client *client, struct search *search, struct error *err)
{
	const char *base = search->mirrors->urls[search->mirror];
	AUTO(repomd_release) struct repomd repomd = {.location = NULL};
	auto_close int fd = -1;

	if (get_repomd(client, search->mirrors, base, &repomd, err) < 0)
		return -1;
	fd = get_primary(client, base, &repomd, err);
	if (fd < 0)
		return -1;
	return primary_scan(fd, compression_of_name(repomd.location), repomd.location,
			    search->binary_name, on_package, search, err);
}

/* Metadata that cannot be had from one mirror, or is damaged there, is had from the next one. */
static int
search_mirrors(struct http_client *client, struct search *search, struct error *err)
{
	for (search->mirror = 0; search->mirror < search->mirrors->count; search->mirror++) {
		package_list_release(search->list);
		search->with_emulators = 0;
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
		return error_set_absent(
			err,
			"'%s' has only the empty %s %s for %s, and none of the packages "
			"that it requires",
			shown, search->binary_name, search->list->items[0].version,
			search->host->fedora);
	return 0;
}

int
repository_resolve(struct http_client *client, const struct fedora_query *query,
		   const char *repository, const struct arch *host, const char *evr,
		   struct package_list *list, struct error *err)
{
	AUTO(mirrors_release) struct mirrors mirrors = {.count = 0};
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

	if (find_mirrors(client, expanded, &mirrors, err) < 0 ||
	    search_mirrors(client, &search, err) < 0)
		return -1;
	if (text_starts_with(expanded, "metalink:"))
		return check_found(&search, expanded + strlen("metalink:"), err);
	return check_found(&search, expanded, err);
}
