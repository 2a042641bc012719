/* SPDX-License-Identifier: MIT */
#include "sources/fetch.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "net/http.h"
#include "sources/cache.h"
#include "sources/fedora/spliced.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct queue {
	const struct fetch_options *options;
	const struct package_list *list;
	struct fetch_result *results;
	pthread_mutex_t lock; /* guards `next` and the call of `warn` */
	size_t next;
};

/* One package on its way. */
struct transfer {
	struct queue *queue;
	const struct package *package;
	struct fetch_result *result;
	struct progress_task *task;
	struct error refusals; /* of all ways so far, joined */
};

static void
warn(struct queue *queue, const char *sentence)
{
	if (queue->options->warn == NULL)
		return;
	(void)pthread_mutex_lock(&queue->lock);
	queue->options->warn(queue->options->warn_context, sentence);
	(void)pthread_mutex_unlock(&queue->lock);
}

/* Bytes that were not the locked ones are always told; that a place lacks a package is a detour. */
static void
tell_refusals(struct transfer *t)
{
	const struct fetch_options *options = t->queue->options;

	error_prefix(&t->refusals, "'%s' was fetched from another URL", t->package->file);
	if (options->detour == NULL || t->refusals.code == ERR_VERIFY) {
		warn(t->queue, t->refusals.message);
		return;
	}
	(void)pthread_mutex_lock(&t->queue->lock);
	options->detour(options->warn_context, t->package, t->refusals.message);
	(void)pthread_mutex_unlock(&t->queue->lock);
}

/* The higher, the more a user has to know of it. */
static int
gravity(enum error_code code)
{
	static const enum error_code order[] = {ERR_NONE,   ERR_NOT_FOUND, ERR_INPUT,
						ERR_DENIED, ERR_REMOTE,    ERR_NETWORK,
						ERR_VERIFY, ERR_IO,        ERR_INTERRUPTED};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (order[i] == code)
			return (int)i;
	return (int)ARRAY_SIZE(order);
}

/* Nothing that another URL would mend. */
static bool
is_final(enum error_code code)
{
	return code == ERR_IO || code == ERR_INTERRUPTED || code == ERR_BUSY;
}

static void
remember_refusal(struct transfer *t, const struct error *why)
{
	struct error *all = &t->refusals;
	size_t used = strlen(all->message);

	(void)snprintf(all->message + used, sizeof(all->message) - used, "%s%s",
		       used != 0 ? "; " : "", why->message);
	if (gravity(why->code) > gravity(all->code)) {
		all->code = why->code;
		all->remote = why->remote;
	}
}

/* Waits for another process, and says so. Otherwise as cache_begin(). */
static int
begin(struct transfer *t, struct cache_entry *entry, struct error *err)
{
	struct cache *cache = t->queue->options->cache;
	const struct package *package = t->package;
	auto_free char *sentence = NULL;
	int begun = cache_begin(cache, &package->sha256, package->size, false, entry, err);

	if (begun >= 0 || err->code != ERR_BUSY)
		return begun;
	sentence = xasprintf("waiting for another run to fetch '%s'", package->file);
	warn(t->queue, sentence);
	return cache_begin(cache, &package->sha256, package->size, true, entry, err);
}

static int
download(struct transfer *t, const char *url, unsigned int tries, struct cache_entry *entry,
	 struct http_downloaded *ret_got, struct error *err)
{
	/* Who serves it does not matter: nothing but the locked bytes is accepted. */
	struct http_request request = {
		.url = url, .allow = HTTP_ALLOW_PLAIN | HTTP_ALLOW_FILE, .tries = tries};
	struct http_download download = {
		.fd = entry->fd,
		.name = entry->path,
		.max_bytes = entry->size,
		.exact = true,
		.resume_from = entry->have,
		.progress = t->task,
	};
	struct http_client *http = t->queue->options->http;

	if (spliced_url_is(url)) {
		if (spliced_download(http, &request, &download, ret_got, err) < 0)
			return -1;
		t->result->received += ret_got->received;
		return 0;
	}
	if (http_download(http, &request, &download, ret_got, err) < 0)
		return -1;
	t->result->received += ret_got->received;
	if (digest_equal(&ret_got->sha256, &entry->digest) || !ret_got->resumed)
		return 0;
	/* An earlier piece may be to blame, of another server or another day. */
	download.resume_from = 0;
	if (http_download(http, &request, &download, ret_got, err) < 0)
		return -1;
	t->result->received += ret_got->received;
	return 0;
}

static int
fetch_url(struct transfer *t, const char *url, unsigned int tries, struct error *err)
{
	AUTO(cache_entry_clear) struct cache_entry entry = CACHE_ENTRY_INIT;
	auto_free char *shown = http_url_redacted(url);
	struct http_downloaded got;
	int begun;

	if (t->queue->options->offline && !http_url_has_scheme(url, "file"))
		return error_set(err, ERR_NOT_FOUND, "'%s' is not available with --offline", shown);
	begun = begin(t, &entry, err);
	if (begun != 0)
		return begun < 0 ? -1 : 0;
	if (download(t, url, tries, &entry, &got, err) < 0)
		return -1;
	if (cache_commit(&entry, &got.sha256, NULL, err) < 0)
		return error_prefix(err, "'%s'", shown);
	t->result->from = TAKE(shown);
	return 0;
}

/* Removes a directory with plain files in it. */
static void
remove_directory(const char *path)
{
	AUTO(words_clear) struct words names = WORDS_INIT;
	struct error ignored = ERROR_INIT;

	if (directory_names(path, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *file = path_join(path, names.items[i]);

		(void)unlink(file);
	}
	(void)rmdir(path);
}

static int
fill_by_apt(struct transfer *t, struct cache_entry *entry, struct error *err)
{
	const struct fetch_options *options = t->queue->options;
	auto_free char *directory = xasprintf("%s.apt", entry->path);
	auto_free char *path = NULL;
	int result;

	/* The lock on the entry makes this directory ours too. */
	if (make_directories(directory, err) < 0)
		return -1;
	if (options->fetch_apt(options->apt_context, t->package, directory, t->task, &path, err) <
	    0) {
		(void)rmdir(directory);
		return error_prefix(err, "apt");
	}
	result = cache_fill(entry, path, NULL, err);
	remove_directory(directory);
	return result < 0 ? error_prefix(err, "apt") : 0;
}

static int
fetch_apt(struct transfer *t, struct error *err)
{
	AUTO(cache_entry_clear) struct cache_entry entry = CACHE_ENTRY_INIT;
	int begun;

	if (t->queue->options->offline)
		return error_set(err, ERR_NOT_FOUND, "apt is not available with --offline");
	begun = begin(t, &entry, err);
	if (begun != 0)
		return begun < 0 ? -1 : 0;
	if (fill_by_apt(t, &entry, err) < 0)
		return -1;
	t->result->received = t->package->size;
	t->result->from = xstrdup("apt");
	return 0;
}

/*
 * Asks one URL after the other. Where there are several, a server that does not answer gets only a
 * second chance, and all its tries when no other has the package. Returns 0, or -1 with an error
 * that no other way would mend or with `refusals` in it.
 */
static int
fetch_urls(struct transfer *t, struct error *err)
{
	const struct package *package = t->package;
	auto_free bool *silent = xcalloc(package->url_count + 1, sizeof(*silent));

	for (size_t i = 0; i < package->url_count; i++) {
		if (fetch_url(t, package->urls[i], package->url_count > 1 ? 2 : 0, err) == 0)
			return 0;
		if (is_final(err->code))
			return -1;
		remember_refusal(t, err);
		silent[i] = package->url_count > 1 && err->code == ERR_NETWORK;
	}
	for (size_t i = 0; i < package->url_count; i++) {
		if (!silent[i])
			continue;
		if (fetch_url(t, package->urls[i], 0, err) == 0)
			return 0;
		if (is_final(err->code))
			return -1;
		if (err->code != ERR_NETWORK)
			remember_refusal(t, err);
	}
	*err = t->refusals;
	return -1;
}

/* Tries one way after the other. */
static int
fetch_somehow(struct transfer *t, struct error *err)
{
	const struct package *package = t->package;
	bool ask_apt = package->type == SOURCE_APT && t->queue->options->fetch_apt != NULL;

	if (ask_apt && fetch_apt(t, err) == 0)
		return 0;
	if (ask_apt && is_final(err->code))
		return -1;
	if (ask_apt)
		remember_refusal(t, err);
	if (!ask_apt && package->url_count == 0)
		return error_set(err, ERR_NOT_FOUND,
				 "missing from the cache, and the lock has no URL for it");
	return fetch_urls(t, err);
}

static int
look_in_cache(struct transfer *t, struct error *err)
{
	const struct fetch_options *options = t->queue->options;
	int found = cache_lookup(options->cache, &t->package->sha256, t->package->size,
				 options->rehash ? CACHE_CHECK_DIGEST : CACHE_CHECK_SIZE,
				 &t->result->path, err);

	if (found >= 0 || err->code != ERR_VERIFY)
		return found;
	/* It is set aside now, and fetched anew. */
	warn(t->queue, err->message);
	return 0;
}

/* "fetched qemu-user_amd64.deb, 71.1 MB in 3.2 s, from https://..." */
static char *
result_line(const struct transfer *t)
{
	auto_free char *size = format_bytes(t->package->size);
	auto_free char *received = format_bytes(t->result->received);

	if (t->result->from == NULL)
		return xasprintf("%s was fetched by another run", t->package->file);
	if (t->result->received < t->package->size)
		return xasprintf("fetched %s, remaining %s of %s in %.1f s, from %s",
				 t->package->file, received, size, t->result->seconds,
				 t->result->from);
	return xasprintf("fetched %s, %s in %.1f s, from %s", t->package->file, size,
			 t->result->seconds, t->result->from);
}

static int
fetch_missing(struct transfer *t, struct error *err)
{
	const struct fetch_options *options = t->queue->options;
	double started = monotonic_sec();
	auto_free char *line = NULL;
	int result;

	t->task = progress_start(options->progress, t->package->file, PROGRESS_BYTES,
				 t->package->size);
	result = fetch_somehow(t, err);
	t->result->seconds = monotonic_sec() - started;
	if (result == 0)
		line = result_line(t);
	progress_done(t->task, line);
	if (result < 0)
		return -1;
	if (t->refusals.code != ERR_NONE)
		tell_refusals(t);
	result = cache_lookup(options->cache, &t->package->sha256, t->package->size,
			      CACHE_CHECK_SIZE, &t->result->path, err);
	if (result == 0)
		return error_set(err, ERR_IO, "it disappeared from the cache");
	return result < 0 ? -1 : 0;
}

static void
fetch_one(struct queue *queue, size_t index)
{
	struct transfer t = {
		.queue = queue,
		.package = &queue->list->items[index],
		.result = &queue->results[index],
		.refusals = ERROR_INIT,
	};
	struct error *err = &t.result->error;
	int found = look_in_cache(&t, err);

	if (found > 0) {
		t.result->outcome = FETCH_PRESENT;
		return;
	}
	if (found == 0 && fetch_missing(&t, err) == 0) {
		*err = (struct error)ERROR_INIT;
		t.result->outcome = t.result->from != NULL ? FETCH_FETCHED : FETCH_PRESENT;
		return;
	}
	error_prefix(err, "cannot fetch '%s'", t.package->file);
	t.result->outcome = FETCH_FAILED;
}

static void *
work(void *context)
{
	struct queue *queue = context;

	while (!interrupt_pending()) {
		size_t index;

		(void)pthread_mutex_lock(&queue->lock);
		index = queue->next;
		if (index < queue->list->count)
			queue->next++;
		(void)pthread_mutex_unlock(&queue->lock);
		if (index >= queue->list->count)
			break;
		fetch_one(queue, index);
	}
	return NULL;
}

/* This thread is one of the workers; if the system gives no more, it does all of it. */
static void
work_in_parallel(struct queue *queue, unsigned int jobs)
{
	enum { MAX_THREADS = 64 };
	pthread_t threads[MAX_THREADS];
	size_t count = 0;

	while (count + 1 < jobs && count + 1 < queue->list->count && count < MAX_THREADS &&
	       pthread_create(&threads[count], NULL, work, queue) == 0)
		count++;
	(void)work(queue);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
}

/* "2 of 4 packages are missing: 'a.rpm', 'b.rpm'", instead of the sentence about one of them. */
static int
name_missing(const struct package_list *list, const struct fetch_result *results, size_t failed,
	     struct error *err)
{
	AUTO(strbuf_clear) struct strbuf names = STRBUF_INIT;
	bool remote = err->remote;

	for (size_t i = 0; i < list->count; i++)
		if (results[i].outcome == FETCH_FAILED)
			strbuf_addf(&names, "%s'%s'", names.length != 0 ? ", " : "",
				    list->items[i].file);
	error_set(err, err->code, "%zu of %zu packages are missing: %s", failed, list->count,
		  strbuf_text(&names));
	err->remote = remote;
	return -1;
}

static int
summarize(const struct package_list *list, const struct fetch_result *results, struct error *err)
{
	const struct error *worst = NULL;
	size_t failed = 0;

	if (interrupt_check(err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		if (results[i].outcome != FETCH_FAILED)
			continue;
		failed++;
		if (worst == NULL || gravity(results[i].error.code) > gravity(worst->code))
			worst = &results[i].error;
	}
	if (failed == 0)
		return 0;
	*err = *worst;
	return failed == 1 ? -1 : name_missing(list, results, failed, err);
}

int
fetch_packages(const struct fetch_options *options, const struct package_list *list,
	       struct fetch_result *results, struct error *err)
{
	struct queue queue = {.options = options, .list = list, .results = results};

	assert(options->jobs >= 1);
	(void)pthread_mutex_init(&queue.lock, NULL);
	work_in_parallel(&queue, options->jobs);
	(void)pthread_mutex_destroy(&queue.lock);
	return summarize(list, results, err);
}

void
fetch_results_clear(struct fetch_result *results, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(results[i].path);
		free(results[i].from);
	}
	if (count != 0)
		memset(results, 0, count * sizeof(*results));
}
