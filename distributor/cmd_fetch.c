#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "distributor/command.h"
#include "distributor/table.h"
#include "distributor/upstream.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "net/url.h"
#include "sources/cache.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_fetch;

static bool rehash;

/*
 * Adds to the URLs of the lock those that follow from the matrix: the pool below each base URL of
 * an apt source, the file of a directory.
 */
static void
add_urls(const struct matrix *matrix, struct package *package)
{
	const struct matrix_source *source = matrix_find_host(matrix, package->host)->source;

	if (package->type == SOURCE_APT && package->pool_path != NULL) {
		for (size_t i = 0; i < source->urls.count; i++) {
			auto_free char *url = path_join(source->urls.items[i], package->pool_path);

			package_add_url(package, url);
		}
	}
	if (package->type == SOURCE_DIRECTORY) {
		auto_free char *path = matrix_path(matrix, source->path);
		auto_free char *file = path_join(path, package->file);
		auto_free char *url = http_url_of_file(file);

		package_add_url(package, url);
	}
}

/* The packages of the wanted hosts; its items are borrowed from the lock, the array is not. */
static struct package_list
select_packages(const struct app *app, const struct matrix *matrix, struct lock *lock)
{
	struct package_list list = PACKAGE_LIST_INIT;

	list.items = xcalloc(lock->packages.count + 1, sizeof(*list.items));
	for (size_t i = 0; i < lock->packages.count; i++) {
		struct package *package = &lock->packages.items[i];

		if (!app_wants_host(app, package->host))
			continue;
		add_urls(matrix, package);
		list.items[list.count++] = *package;
	}
	return list;
}

static const char *
outcome_word(enum fetch_outcome outcome)
{
	static const char *const words[] = {"not tried", "present", "fetched", "failed"};

	return words[outcome];
}

struct totals {
	size_t packages, fetched, present;
	uint64_t size, received;
};

static struct totals
add_up(const struct package_list *list, const struct fetch_result *results)
{
	struct totals totals = {.packages = list->count};

	for (size_t i = 0; i < list->count; i++) {
		totals.fetched += results[i].outcome == FETCH_FETCHED;
		totals.present += results[i].outcome == FETCH_PRESENT;
		totals.size += list->items[i].size;
		totals.received += results[i].received;
	}
	return totals;
}

static void
print_table(const struct package_list *list, const struct fetch_result *results)
{
	static const char *const headers[] = {"host", "package", "version", "size>", "result"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));

	for (size_t i = 0; i < list->count; i++) {
		const struct package *package = &list->items[i];
		auto_free char *size = format_bytes(package->size);

		table_add(table, package->host);
		table_add(table, package->name);
		table_add(table, package->version);
		table_add(table, size);
		if (results[i].outcome == FETCH_FETCHED)
			table_addf(table, "fetched in %.1f s", results[i].seconds);
		else
			table_add(table, outcome_word(results[i].outcome));
	}
	table_print(table, TABLE_TEXT);
}

static void
print_text(const struct package_list *list, const struct fetch_result *results,
	   const struct cache *cache, double seconds)
{
	struct totals totals = add_up(list, results);
	auto_free char *size = format_bytes(totals.size);
	auto_free char *received = format_bytes(totals.received);

	print_table(list, results);
	if (totals.present == totals.packages)
		(void)printf("\nnothing to fetch: %zu packages, %s, are in %s\n", totals.packages,
			     size, cache_directory(cache));
	else
		(void)printf("\n%zu of %zu packages fetched, %s in %.1f s; %zu were in %s\n",
			     totals.fetched, totals.packages, received, seconds, totals.present,
			     cache_directory(cache));
}

static json_t *
package_json(const struct package *package, const struct fetch_result *result)
{
	char hex[DIGEST_HEX_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s*, s:s*, s:I, s:f, s:s*}", "host",
			 package->host, "name", package->name, "version", package->version, "file",
			 package->file, "size", (json_int_t)package->size, "sha256",
			 digest_hex(&package->sha256, hex), "result", outcome_word(result->outcome),
			 "path", result->path, "from", result->from, "received",
			 (json_int_t)result->received, "seconds", result->seconds, "error",
			 result->outcome == FETCH_FAILED ? result->error.message : NULL);
}

static void
print_json(const struct package_list *list, const struct fetch_result *results,
	   const struct cache *cache, double seconds)
{
	struct totals totals = add_up(list, results);
	json_t *packages = json_array();

	for (size_t i = 0; i < list->count; i++)
		(void)json_array_append_new(packages, package_json(&list->items[i], &results[i]));
	app_print_json(json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:f}", "cache",
				 cache_directory(cache), "packages", packages, "fetched",
				 (json_int_t)totals.fetched, "present", (json_int_t)totals.present,
				 "size", (json_int_t)totals.size, "received",
				 (json_int_t)totals.received, "seconds", seconds));
}

/* With one failure main() prints it. */
static void
print_failures(const struct package_list *list, const struct fetch_result *results)
{
	size_t failed = 0;

	for (size_t i = 0; i < list->count; i++)
		failed += results[i].outcome == FETCH_FAILED;
	for (size_t i = 0; failed > 1 && i < list->count; i++)
		if (results[i].outcome == FETCH_FAILED)
			log_error("%s", results[i].error.message);
}

static int
fetch(struct app *app, const struct package_list *list, struct upstream *up, struct error *err)
{
	struct fetch_result *results = xcalloc(list->count + 1, sizeof(*results));
	double started = monotonic_sec();
	int result = upstream_fetch(up, list, rehash, results, err);

	if (app->json)
		print_json(list, results, upstream_cache(up), monotonic_sec() - started);
	else if (!app->quiet)
		print_text(list, results, upstream_cache(up), monotonic_sec() - started);
	print_failures(list, results);
	fetch_results_release(results, list->count);
	free(results);
	return result;
}

static int
run_fetch(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(matrix_release) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_release) struct lock lock = LOCK_INIT;
	AUTO(upstream_freep) struct upstream *up = NULL;
	auto_free char *lock_path = app_lock_path(app);
	struct package_list list;
	int result;

	(void)argc;
	(void)argv;
	if (matrix_load(app->matrix_path, &matrix, err) < 0 ||
	    lock_load(lock_path, &lock, err) < 0 || lock_check_matrix(&lock, &matrix, err) < 0 ||
	    app_check_hosts(app, &matrix, err) < 0 || upstream_open(app, &matrix, &up, err) < 0)
		return -1;
	list = select_packages(app, &matrix, &lock);
	result = fetch(app, &list, up, err);
	free(list.items);
	return result;
}

static const struct option_spec fetch_options[] = {
	{"rehash", '\0', NULL, OPTION_FLAG, &rehash,
	 "compare the digest of what the cache has, not only the size"},
	{.name = NULL},
};

const struct command cmd_fetch = {
	.name = "fetch",
	.args = "",
	.summary = "bring what the lock pins into the cache",
	.description =
		"Each package is taken from the cache if it is there, else from apt (packages of\n"
		"apt sources, by the machine's own mirror), else from the first URL that has it.\n"
		"Nothing but the locked size and sha256 is accepted; another file is set aside in\n"
		"the cache, named, and never used. A transfer that was cut or killed goes on "
		"where\n"
		"it stopped. Several runs can share one cache.\n"
		"\n"
		"Plain http and file URLs are fine: the lock says which bytes are right.\n"
		"Proxies come from the environment (https_proxy, http_proxy, no_proxy), "
		"certificates\n"
		"to trust from $SSL_CERT_FILE, else from the system.\n",
	.examples = "  distributor fetch --matrix matrix/quickstart.json\n"
		    "  distributor fetch --host aarch64 --jobs 8\n"
		    "  distributor fetch --offline --rehash     is all there, and undamaged?\n",
	.options = fetch_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_CACHE | SHARED_HOST | SHARED_JOBS |
		  SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 0,
	.run = run_fetch,
};
