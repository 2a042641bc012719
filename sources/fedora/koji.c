/* SPDX-License-Identifier: MIT */
#include "sources/fedora/fedora_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/words.h"
#include "sources/fedora/repodata.h"
#include "sources/fedora/spliced.h"
#include "sources/rpm/rpm_version.h"

#include <ctype.h>
#include <string.h>

#define MAX_LISTING   (8U << 20)
#define MAX_SIGNATURE (4U << 20)
#define MAX_NAMES     5000U
#define MAX_BUILDS    60U /* looked at for the newest one that is signed */

/*
 * The entries of a directory, from the page that a web server makes of it: whatever the links on it
 * point to directly below. Servers write these pages differently, but all of them have the links.
 */
static int
list_page(const char *page, struct words *ret_names, struct error *err)
{
	const char *at;

	for (at = strstr(page, "href=\""); at != NULL; at = strstr(at, "href=\"")) {
		const char *start = at + strlen("href=\"");
		size_t length = strcspn(start, "\"");
		auto_free char *name = NULL;

		at = start + length;
		if (length > 0 && start[length - 1] == '/')
			length--;
		name = location_decode(start, length);
		if (!package_file_is_plain(name) || words_have(ret_names, name))
			continue;
		if (ret_names->count == MAX_NAMES)
			return error_set(err, ERR_REMOTE, "a Koji directory has too many files");
		(void)words_take(ret_names, TAKE(name));
	}
	return 0;
}

static int
list_directory(struct http_client *client, const char *url, struct words *ret_names,
	       struct error *err)
{
	auto_free char *page = NULL;

	if (http_get(client, url, FEDORA_ALLOW, MAX_LISTING, &page, NULL, err) < 0)
		return -1;
	return list_page(page, ret_names, err);
}

/* Where one build is. */
struct build {
	const struct fedora_query *query;
	char *url;    /* KOJI/qemu/VERSION/RELEASE */
	char *suffix; /* "-VERSION-RELEASE.ARCH.rpm" */
	const char *arch;
};

static void
build_clear(struct build *build)
{
	free(build->url);
	free(build->suffix);
}

static struct build
build_of(const struct fedora_query *query, const char *base, const char *evr, const char *arch)
{
	const char *colon = strchr(evr, ':');
	const char *version = colon != NULL ? colon + 1 : evr;
	const char *dash = strrchr(version, '-');
	size_t length = dash != NULL ? (size_t)(dash - version) : strlen(version);
	const char *slash = text_ends_with(base, "/") ? "" : "/";

	return (struct build){
		.query = query,
		.url = xasprintf("%s%s%s/%.*s/%s", base, slash, query->package, (int)length,
				 version, dash != NULL ? dash + 1 : ""),
		.suffix = xasprintf("-%s.%s.rpm", version, arch),
		.arch = arch,
	};
}

static char *
key8(const char *fingerprint)
{
	size_t length = strlen(fingerprint);
	char *text = xstrdup(length > 8 ? fingerprint + length - 8 : fingerprint);

	for (char *p = text; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

static char *
signed_url(const struct build *build, const char *key, const char *file)
{
	auto_free char *short_key = key8(key);

	return xasprintf("%s/data/signed/%s/%s/%s", build->url, short_key, build->arch, file);
}

static char *
signature_url(const struct build *build, const char *key, const char *file)
{
	auto_free char *short_key = key8(key);

	return xasprintf("%s/data/sigcache/%s/%s/%s%s", build->url, short_key, build->arch, file,
			 file[0] != '\0' ? ".sig" : "");
}

static void
add_build_urls(const struct build *build, const char *key, struct package *package)
{
	auto_free char *whole = signed_url(build, key, package->file);
	auto_free char *signature = signature_url(build, key, package->file);
	auto_free char *plain = xasprintf("%s/%s/%s", build->url, build->arch, package->file);
	auto_free char *pair = spliced_url(plain, signature);

	package_add_url(package, whole);
	package_add_url(package, pair);
}

void
koji_add_urls(const struct fedora_query *query, const char *base, const char *key,
	      struct package *package)
{
	AUTO(build_clear)
	struct build build = build_of(query, base, package->version, package->arch);

	add_build_urls(&build, key, package);
}

/* The name of the package in a file name of this build, to be freed by the caller, or NULL. */
static char *
package_name(const struct build *build, const char *binary_name, const char *file)
{
	auto_free char *name = NULL;

	if (!text_ends_with(file, build->suffix))
		return NULL;
	name = xstrndup(file, strlen(file) - strlen(build->suffix));
	return fedora_name_fits(binary_name, name) ? TAKE(name) : NULL;
}

static void
add_listed(const struct build *build, const char *key, const struct arch *host, const char *evr,
	   const struct words *names, struct package_list *list)
{
	auto_free char *binary_name = fedora_binary_name(build->query);

	for (size_t i = 0; i < names->count; i++) {
		auto_free char *file = xstrdup(names->items[i]);
		auto_free char *name = NULL;

		if (text_ends_with(file, ".rpm.sig"))
			file[strlen(file) - strlen(".sig")] = '\0';
		name = package_name(build, binary_name, file);
		if (name != NULL)
			add_build_urls(build, key,
				       fedora_add(list, build->query, host, name, evr, file));
	}
}

/*
 * A server that makes no pages of directories is asked for the signature of each package that there
 * may be. The first is the only one until 7.0.0-4, and the empty one after it.
 */
static const char *const families[] = {
	"",      "-aarch64",    "-alpha", "-arm",    "-cris", "-hexagon", "-hppa",  "-loongarch64",
	"-m68k", "-microblaze", "-mips",  "-nios2",  "-or1k", "-ppc",     "-riscv", "-s390x",
	"-sh4",  "-sparc",      "-x86",   "-xtensa",
};

static int
probe(struct http_client *client, const struct build *build, const char *key, const char *file,
      bool *ret_there, struct error *err)
{
	auto_free char *signature = signature_url(build, key, file);
	auto_free char *whole = signed_url(build, key, file);
	auto_free char *text = NULL;
	const struct http_request head = {.method = "HEAD", .url = whole, .allow = FEDORA_ALLOW};
	const struct http_request get = {.url = whole, .allow = FEDORA_ALLOW, .head_only = true};
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	*ret_there = true;
	if (http_get(client, signature, FEDORA_ALLOW, MAX_SIGNATURE, &text, NULL, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND)
		return -1;
	if (!http_url_has_scheme(whole, "file")) {
		if (http_request(client, &head, &response, err) < 0 ||
		    (http_head_is_refused(&response) &&
		     http_request(client, &get, &response, err) < 0))
			return -1;
		if (http_response_check(&response, err) == 0)
			return 0;
		if (err->code != ERR_NOT_FOUND)
			return -1;
	}
	*ret_there = false;
	return 0;
}

static int
add_probed(struct http_client *client, const struct build *build, const char *key,
	   const struct arch *host, const char *evr, struct package_list *list, struct error *err)
{
	auto_free char *binary_name = fedora_binary_name(build->query);

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		auto_free char *name = xasprintf("%s%s", binary_name, families[i]);
		auto_free char *file = xasprintf("%s%s", name, build->suffix);
		bool there;

		if (probe(client, build, key, file, &there, err) < 0)
			return -1;
		if (there)
			add_build_urls(build, key,
				       fedora_add(list, build->query, host, name, evr, file));
	}
	return 0;
}

/* A directory that is missing, and one that the server does not show, are both no listing. */
static bool
no_listing(const struct error *err)
{
	return err->code == ERR_NOT_FOUND || err->code == ERR_REMOTE || err->code == ERR_DENIED ||
	       err->code == ERR_IO;
}

static int
resolve_key(struct http_client *client, const struct build *build, const char *key,
	    const struct arch *host, const char *evr, struct package_list *list, struct error *err)
{
	char *const directories[] = {signed_url(build, key, ""), signature_url(build, key, "")};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(directories) && r == 0 && list->count == 0; i++) {
		AUTO(words_clear) struct words names = WORDS_INIT;

		r = list_directory(client, directories[i], &names, err);
		if (r == 0)
			add_listed(build, key, host, evr, &names, list);
		else if (no_listing(err))
			r = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		free(directories[i]);
	if (r == 0 && list->count == 0)
		r = add_probed(client, build, key, host, evr, list, err);
	return r;
}

int
koji_resolve(struct http_client *client, const struct fedora_query *query, const char *base,
	     const struct arch *host, const char *evr, struct package_list *list, struct error *err)
{
	AUTO(build_clear) struct build build = build_of(query, base, evr, host->fedora);
	auto_free char *shown = http_url_redacted(build.url);

	for (size_t i = 0; i < query->key_count && list->count == 0; i++) {
		if (resolve_key(client, &build, query->keys[i], host, evr, list, err) < 0)
			return -1;
	}
	if (list->count == 0)
		return error_set_absent(err, "'%s' has no package for %s signed by a pinned key",
					shown, host->fedora);
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	return rpm_version_compare(*(char *const *)b, *(char *const *)a);
}

static void
sort_versions(struct words *versions)
{
	if (versions->count > 0)
		qsort(versions->items, versions->count, sizeof(*versions->items), newest_first);
}

/* Whether a build has a signature of a pinned key for the host. */
static int
is_signed(struct http_client *client, const struct fedora_query *query, const char *base,
	  const struct arch *host, const char *evr, bool *ret_signed, struct error *err)
{
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;

	*ret_signed = koji_resolve(client, query, base, host, evr, &list, err) == 0;
	return *ret_signed || err->code == ERR_NOT_FOUND ? 0 : -1;
}

/* The newest signed release of one version, NULL if it has none. */
static int
newest_release(struct http_client *client, const struct fedora_query *query, const char *base,
	       const struct arch *host, const char *version, char **ret_evr, struct error *err)
{
	auto_free char *suffix = xasprintf(".fc%llu", (unsigned long long)query->release);
	auto_free char *url = xasprintf("%s/%s/%s/", base, query->package, version);
	const char *colon = query->evr != NULL ? strchr(query->evr, ':') : NULL;
	int epoch = colon != NULL ? (int)(colon - query->evr) + 1 : 0;
	AUTO(words_clear) struct words releases = WORDS_INIT;

	if (list_directory(client, url, &releases, err) < 0)
		return -1;
	sort_versions(&releases);
	for (size_t i = 0; i < releases.count; i++) {
		auto_free char *evr = xasprintf("%.*s%s-%s", epoch, colon != NULL ? query->evr : "",
						version, releases.items[i]);
		bool found;

		if (!text_ends_with(releases.items[i], suffix))
			continue;
		if (is_signed(client, query, base, host, evr, &found, err) < 0)
			return -1;
		if (found) {
			*ret_evr = TAKE(evr);
			return 0;
		}
	}
	return 0;
}

int
koji_newest(struct http_client *client, const struct fedora_query *query, const char *base,
	    const struct arch *host, char **ret_evr, struct error *err)
{
	size_t length = strlen(base) - (text_ends_with(base, "/") ? 1 : 0);
	auto_free char *root = xstrndup(base, length);
	auto_free char *url = xasprintf("%s/%s/", root, query->package);
	auto_free char *shown = http_url_redacted(url);
	AUTO(words_clear) struct words versions = WORDS_INIT;

	if (list_directory(client, url, &versions, err) < 0)
		return -1;
	sort_versions(&versions);
	for (size_t i = 0; i < versions.count && i < MAX_BUILDS; i++) {
		char *evr = NULL;

		if (!isdigit((unsigned char)versions.items[i][0]))
			continue;
		if (newest_release(client, query, root, host, versions.items[i], &evr, err) < 0)
			return -1;
		if (evr != NULL) {
			*ret_evr = evr;
			return 0;
		}
	}
	return error_set_absent(err, "'%s' has no signed build for Fedora %llu on %s", shown,
				(unsigned long long)query->release, host->fedora);
}
