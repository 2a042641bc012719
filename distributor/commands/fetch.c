/* SPDX-License-Identifier: MIT */
#include "distributor/steps/fetch.h"
#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"
#include "sources/cache.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_fetch;

static bool rehash;

static const char *
outcome_word(enum fetch_outcome outcome)
{
	static const char *const words[] = {"not tried", "present", "fetched", "failed"};

	return words[outcome];
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
print_text(const struct step_fetch *fetching)
{
	const struct cache *cache = upstream_cache(fetching->upstream);
	size_t packages = fetching->packages.count;
	auto_free char *size = format_bytes(fetching->size);
	auto_free char *received = format_bytes(fetching->received);

	print_table(&fetching->packages, fetching->results);
	if (fetching->present == packages)
		(void)printf("\nnothing to fetch: %zu package%s (%s) in %s\n", packages,
			     plural(packages), size, cache_directory(cache));
	else
		(void)printf("\n%zu of %zu package%s fetched, %s in %.1f s; %zu found in %s\n",
			     fetching->fetched, packages, plural(packages), received,
			     fetching->seconds, fetching->present, cache_directory(cache));
}

static json_t *
package_json(const struct package *package, const struct fetch_result *result)
{
	char hex[DIGEST_HEX_SIZE];

	return jsonx_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s*, s:s*, s:I, s:f, s:s*}", "host",
			  package->host, "name", package->name, "version", package->version, "file",
			  package->file, "size", (json_int_t)package->size, "sha256",
			  digest_hex(&package->sha256, hex), "result",
			  outcome_word(result->outcome), "path", result->path, "from", result->from,
			  "received", (json_int_t)result->received, "seconds", result->seconds,
			  "error", result->outcome == FETCH_FAILED ? result->error.message : NULL);
}

static void
print_json(const struct step_fetch *fetching)
{
	const struct cache *cache = upstream_cache(fetching->upstream);
	const struct package_list *list = &fetching->packages;
	json_t *packages = json_array();

	for (size_t i = 0; i < list->count; i++)
		jsonx_append(packages, package_json(&list->items[i], &fetching->results[i]));
	app_print_json(jsonx_pack(
		"{s:s, s:o, s:I, s:I, s:I, s:I, s:f}", "cache", cache_directory(cache), "packages",
		packages, "fetched", (json_int_t)fetching->fetched, "present",
		(json_int_t)fetching->present, "size", (json_int_t)fetching->size, "received",
		(json_int_t)fetching->received, "seconds", fetching->seconds));
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
run_fetch(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(step_fetch_clear) struct step_fetch fetching = STEP_FETCH_INIT;
	int result;

	(void)argc;
	(void)argv;
	if (workspace_load(&app->work, err) < 0)
		return -1;
	result = step_fetch(&app->work, rehash, &fetching, err);
	if (fetching.results == NULL)
		return result;
	if (app->json)
		print_json(&fetching);
	else if (!app->quiet)
		print_text(&fetching);
	print_failures(&fetching.packages, fetching.results);
	return result;
}

static const struct option_spec fetch_options[] = {
	{"rehash", '\0', NULL, OPTION_FLAG, &rehash,
	 "verify the digests of cached packages, not only\n"
	 "their sizes"},
	{.name = NULL},
};

const struct command cmd_fetch = {
	.name = "fetch",
	.args = "",
	.summary = "download the packages pinned by the lock into the cache",
	.description =
		"Takes each package from the cache, or downloads it: packages of apt sources with\n"
		"apt, from the mirror that this machine uses, all others from the first URL that\n"
		"has them. Only files with the size and sha256 in the lock are accepted; any\n"
		"other file is quarantined in the cache and reported. Interrupted downloads are\n"
		"resumed. Several runs can share one cache.\n"
		"\n"
		"URLs with http and file are safe, since the lock pins the content. Proxies are\n"
		"read from the environment (https_proxy, http_proxy, no_proxy). Trusted\n"
		"certificates are read from $SSL_CERT_FILE or the system.\n",
	.examples = "  distributor fetch --matrix matrix/debian.json\n"
		    "  distributor fetch --matrix matrix/debian.json --host aarch64 --jobs 8\n"
		    "  distributor fetch --matrix matrix/debian.json --offline --rehash\n",
	.options = fetch_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_CACHE | SHARED_HOST | SHARED_JOBS |
		  SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 0,
	.run = run_fetch,
};
