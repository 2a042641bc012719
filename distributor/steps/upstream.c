/* SPDX-License-Identifier: MIT */
#include "distributor/steps/upstream.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "base/words.h"
#include "distributor/workspace/version.h"
#include "net/http.h"
#include "sources/cache.h"
#include "sources/debian/apt.h"
#include "sources/directory.h"
#include "sources/fedora/fedora.h"
#include "sources/fedora/spliced.h"
#include "sources/package_inspect.h"
#include "sources/rpm/package_keys.h"
#include "sources/rpm/rpm_describe.h"

#include <pthread.h>
#include <string.h>

struct upstream {
	const struct workspace *work;
	const struct matrix *matrix;
	struct http_client *http;
	struct cache *cache;
	char *apt_directory;
	char *lock_command;
	pthread_mutex_t told_lock; /* guards `told` */
	struct words told;         /* what is to be told once */
};

/* The largest package that is fetched where nothing is known of its size. */
#define MAX_PACKAGE_BYTES (1ULL << 30)

static void
show_warning(void *context, const char *sentence)
{
	(void)context;
	log_warning("%s", sentence);
}

/* The first time that something of this kind happens; the other times it is for --verbose. */
static void
warn_once(struct upstream *up, const char *kind, const char *sentence)
{
	bool told;

	(void)pthread_mutex_lock(&up->told_lock);
	told = words_have(&up->told, kind);
	if (!told)
		words_add(&up->told, kind);
	(void)pthread_mutex_unlock(&up->told_lock);
	if (told)
		log_debug("%s", sentence);
	else
		log_warning("%s", sentence);
}

static void
show_warning_once(void *context, const char *sentence)
{
	warn_once(context, sentence, sentence);
}

/* A build has dozens of packages, which lie, or are missing, side by side: one sentence will do. */
static void
show_detour(void *context, const struct package *package, const char *sentence)
{
	auto_free char *kind = xasprintf("%s %s", package->source, package->version);

	warn_once(context, kind, sentence);
}

static const struct package_warnings warnings = {show_warning, NULL};

int
upstream_open(const struct workspace *work, const struct matrix *matrix, struct upstream **ret_up,
	      struct error *err)
{
	auto_free char *agent = xasprintf("distributor/%s", version_program());
	struct http_options options = {.user_agent = agent, .notice = notice_info};
	AUTO(upstream_freep) struct upstream *up = xcalloc(1, sizeof(*up));

	up->work = work;
	up->matrix = matrix;
	(void)pthread_mutex_init(&up->told_lock, NULL);
	if (cache_open(work->cache, &up->cache, err) < 0 ||
	    http_client_new(&options, &up->http, err) < 0)
		return -1;
	up->apt_directory = path_join(cache_directory(up->cache), "apt");
	up->lock_command = workspace_command(work, "lock", SHARED_MATRIX | SHARED_LOCK);
	*ret_up = TAKE(up);
	return 0;
}

void
upstream_free(struct upstream *up)
{
	if (up == NULL)
		return;
	http_client_free(up->http);
	cache_free(up->cache);
	free(up->apt_directory);
	free(up->lock_command);
	words_clear(&up->told);
	(void)pthread_mutex_destroy(&up->told_lock);
	free(up);
}

void
upstream_freep(struct upstream **up)
{
	upstream_free(*up);
	*up = NULL;
}

struct cache *
upstream_cache(const struct upstream *up)
{
	return up->cache;
}

static struct fedora_query
fedora_query_of(struct upstream *up, const struct matrix_source *source)
{
	return (struct fedora_query){
		.source = source->key,
		.release = source->release,
		.package = source->package,
		.evr = source->evr,
		.repositories = source->repositories.items,
		.repository_count = source->repositories.count,
		.koji = source->koji.items,
		.koji_count = source->koji.count,
		.keys = source->keys.items,
		.key_count = source->keys.count,
		.warn = show_warning_once,
		.warn_context = up,
	};
}

static struct apt_source
apt_source_of(struct upstream *up, const struct matrix_source *source, char *keyring)
{
	return (struct apt_source){
		.key = source->key,
		.suite = source->suite,
		.package = source->package,
		.keyring = keyring,
		.keys = source->keys.items,
		.key_count = source->keys.count,
		.urls = source->urls.items,
		.url_count = source->urls.count,
		.allow_expired = source->allow_expired,
		.directory = up->apt_directory,
		.lock_command = up->lock_command,
		.warn = show_warning_once,
		.warn_context = up,
	};
}

static char *
keyring_of(const struct upstream *up, const struct matrix_source *source)
{
	return matrix_path(up->matrix, source->keyring);
}

static int
resolve_apt(struct upstream *up, const struct matrix_host *host, struct package_list *list,
	    struct error *err)
{
	auto_free char *keyring = keyring_of(up, host->source);
	struct apt_source source = apt_source_of(up, host->source, keyring);
	struct package package = {.source = NULL};

	if (apt_resolve(&source, host->arch, &package, err) < 0)
		return -1;
	*package_list_add(list) = package;
	return 0;
}

static int
resolve_directory(struct upstream *up, const struct matrix_host *host, struct package_list *list,
		  struct error *err)
{
	auto_free char *path = matrix_path(up->matrix, host->source->path);

	return directory_resolve(path, host->source->key, host->arch, list, err);
}

int
upstream_resolve(struct upstream *up, const struct matrix_host *host, struct package_list *list,
		 struct error *err)
{
	struct fedora_query query;
	int result = -1;

	if (up->work->offline && host->source->type != SOURCE_DIRECTORY)
		return error_set(err, ERR_USAGE,
				 "source '%s' requires the network and --offline was given",
				 host->source->key);
	switch (host->source->type) {
	case SOURCE_FEDORA:
		query = fedora_query_of(up, host->source);
		result = fedora_resolve(up->http, &query, host->arch, list, err);
		break;
	case SOURCE_APT:
		result = resolve_apt(up, host, list, err);
		break;
	case SOURCE_DIRECTORY:
		result = resolve_directory(up, host, list, err);
		break;
	}
	if (result < 0)
		return error_prefix(err, "source '%s', host %s", host->source->key,
				    host->arch->name);
	return 0;
}

static const struct matrix_source *
source_of(const struct upstream *up, const struct package *package)
{
	for (size_t i = 0; i < up->matrix->source_count; i++)
		if (strcmp(up->matrix->sources[i].key, package->source) == 0)
			return &up->matrix->sources[i];
	return NULL;
}

static int
fetch_apt(void *context, const struct package *package, const char *directory,
	  struct progress_task *task, char **ret_path, struct error *err)
{
	struct upstream *up = context;
	const struct matrix_source *source = source_of(up, package);
	auto_free char *keyring = NULL;
	struct apt_source apt;

	if (source == NULL)
		return error_set(err, ERR_INPUT, "the matrix has no source '%s'", package->source);
	keyring = keyring_of(up, source);
	apt = apt_source_of(up, source, keyring);
	return apt_fetch(&apt, package, directory, task, ret_path, err);
}

int
upstream_fetch(struct upstream *up, const struct package_list *list, bool rehash,
	       struct fetch_result *results, struct error *err)
{
	struct fetch_options options = {
		.cache = up->cache,
		.http = up->http,
		.progress = up->work->progress,
		.jobs = (unsigned int)up->work->jobs,
		.offline = up->work->offline,
		.rehash = rehash,
		.fetch_apt = fetch_apt,
		.apt_context = up,
		.warn = show_warning,
		.warn_context = up,
		.detour = show_detour,
	};

	return fetch_packages(&options, list, results, err);
}

/* Gets one URL into a file that the cache then adopts: its digest is not known beforehand. */
static int
download_unpinned(struct upstream *up, const char *url, struct package *package, char **ret_path,
		  struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free char *place = path_join(cache_directory(up->cache), package->file);
	struct http_request request = {.url = url, .allow = HTTP_ALLOW_PLAIN | HTTP_ALLOW_FILE};
	struct http_download download = {
		.name = package->file,
		.max_bytes = package->size != 0 ? package->size : MAX_PACKAGE_BYTES,
		.exact = package->size != 0,
	};
	struct http_downloaded got;
	int result;

	if (tempfile_open(&tmp, place, 0600, err) < 0)
		return -1;
	download.fd = tmp.fd;
	download.progress =
		progress_start(up->work->progress, package->file, PROGRESS_BYTES, package->size);
	result = spliced_url_is(url) ? spliced_download(up->http, &request, &download, &got, err)
				     : http_download(up->http, &request, &download, &got, err);
	progress_done(download.progress, NULL);
	if (result < 0)
		return -1;
	package->size = got.size;
	package->sha256 = got.sha256;
	return cache_adopt(up->cache, tmp.temporary_path, &got.sha256, got.size, ret_path, err);
}

static int
bring_unpinned(struct upstream *up, struct package *package, char **ret_path, struct error *err)
{
	error_set(err, ERR_NOT_FOUND, "'%s' has no URL", package->file);
	for (size_t i = 0; i < package->url_count; i++) {
		if (download_unpinned(up, package->urls[i], package, ret_path, err) == 0)
			return 0;
		if (err->code == ERR_INTERRUPTED || err->code == ERR_IO)
			break;
		log_debug("%s", err->message);
	}
	return error_prefix(err, "cannot fetch '%s'", package->file);
}

static int
bring_pinned(struct upstream *up, const struct package *package, char **ret_path, struct error *err)
{
	/* A shallow copy that owns nothing, so that one package can be fetched as a list. */
	struct package one = *package;
	struct package_list list = {&one, 1};
	struct fetch_result result = {.path = NULL};
	int status = upstream_fetch(up, &list, false, &result, err);

	if (status == 0)
		*ret_path = TAKE(result.path);
	fetch_results_clear(&result, 1);
	return status;
}

/* The lock is no place for a path of this machine, so a directory's packages have no URL. */
static int
bring_from_directory(struct upstream *up, const struct matrix_source *source,
		     const struct package *package, char **ret_path, struct error *err)
{
	auto_free char *directory = matrix_path(up->matrix, source->path);
	auto_free char *path = path_join(directory, package->file);

	return cache_adopt(up->cache, path, &package->sha256, package->size, ret_path, err);
}

/* Without a ring, as for a directory without "keys", the list of sums has vouched for an RPM. */
static int
describe(const struct matrix_host *host, const char *path, struct openpgp_keyring *ring,
	 struct package *package, struct error *err)
{
	if (ring != NULL && text_ends_with(package->file, ".rpm"))
		return rpm_describe(path, ring, host->arch, package, &warnings, err);
	return package_inspect(path, host->arch, package, &warnings, err);
}

/* The packages of fedora and directory sources may be RPMs, which need a ring. */
static int
keyring_for(const struct upstream *up, const struct matrix_source *source,
	    struct openpgp_keyring **ret_ring, struct error *err)
{
	const char **files;
	int result;

	*ret_ring = NULL;
	if (source->type == SOURCE_APT || source->keys.count == 0)
		return 0;
	files = xcalloc(source->key_files.count, sizeof(*files));
	for (size_t i = 0; i < source->key_files.count; i++)
		files[i] = matrix_path(up->matrix, source->key_files.items[i]);
	result = package_keyring_new(source->keys.items, source->keys.count, files,
				     source->key_files.count, ret_ring, err);
	for (size_t i = 0; i < source->key_files.count; i++)
		free((void *)(uintptr_t)files[i]);
	free(files);
	return result;
}

static int
bring(struct upstream *up, const struct matrix_source *source, struct package *package,
      char **ret_path, struct error *err)
{
	if (source->type == SOURCE_DIRECTORY)
		return bring_from_directory(up, source, package, ret_path, err);
	if (digest_is_zero(&package->sha256))
		return bring_unpinned(up, package, ret_path, err);
	return bring_pinned(up, package, ret_path, err);
}

static int
pin_package(struct upstream *up, const struct matrix_host *host, struct openpgp_keyring *ring,
	    struct package *package, struct error *err)
{
	auto_free char *path = NULL;

	if (bring(up, host->source, package, &path, err) < 0)
		return -1;
	if (describe(host, path, ring, package, err) < 0) {
		/* What cannot be read has not been verified either. */
		if (err->code == ERR_INPUT)
			err->code = ERR_VERIFY;
		return error_prefix(err, "refusing '%s'", package->file);
	}
	return 0;
}

/* The near-empty metapackage of a split build says nothing that a release would need. */
static void
drop_empty(struct package_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].member_count == 0)
			package_clear(&list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

int
upstream_pin(struct upstream *up, const struct matrix_host *host, struct package_list *list,
	     struct error *err)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;

	if (keyring_for(up, host->source, &ring, err) < 0)
		return error_prefix(err, "source '%s'", host->source->key);
	for (size_t i = 0; i < list->count; i++)
		if (pin_package(up, host, ring, &list->items[i], err) < 0)
			return error_prefix(err, "source '%s', host %s", host->source->key,
					    host->arch->name);
	drop_empty(list);
	if (list->count == 0)
		return error_set(err, ERR_INPUT,
				 "source '%s' has packages for %s, but they contain no emulators",
				 host->source->key, host->arch->name);
	return 0;
}

int
upstream_newest(struct upstream *up, const struct matrix_host *host, char **ret_version,
		struct error *err)
{
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;

	if (host->source->type == SOURCE_FEDORA) {
		struct fedora_query query = fedora_query_of(up, host->source);

		if (fedora_newest(up->http, &query, host->arch, ret_version, err) < 0)
			return error_prefix(err, "source '%s', host %s", host->source->key,
					    host->arch->name);
		return 0;
	}
	if (upstream_resolve(up, host, &list, err) < 0)
		return -1;
	if (list.count == 0)
		return error_set(err, ERR_NOT_FOUND, "source '%s' has no packages for %s",
				 host->source->key, host->arch->name);
	*ret_version = xstrdup(list.items[0].version);
	return 0;
}
