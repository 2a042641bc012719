/* SPDX-License-Identifier: MIT */
#include "distributor/steps/fetch.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "net/url.h"

static void
urls_clear(struct package *package)
{
	for (size_t i = 0; i < package->url_count; i++)
		free(package->urls[i]);
	free(package->urls);
}

void
step_fetch_clear(struct step_fetch *fetching)
{
	if (fetching->results != NULL)
		fetch_results_clear(fetching->results, fetching->packages.count);
	free(fetching->results);
	for (size_t i = 0; i < fetching->packages.count; i++)
		urls_clear(&fetching->packages.items[i]);
	free(fetching->packages.items);
	upstream_free(fetching->upstream);
	*fetching = (struct step_fetch)STEP_FETCH_INIT;
}

/* The URLs become a list of its own, which may grow. */
static void
copy_urls(struct package *package)
{
	char **urls = package->urls;
	size_t count = package->url_count;

	package->urls = NULL;
	package->url_count = 0;
	for (size_t i = 0; i < count; i++)
		package_add_url(package, urls[i]);
}

/*
 * Adds to the URLs of the lock those that follow from the matrix: the pool below each base URL of
 * an apt source, the file of a directory.
 */
static int
add_urls(const struct matrix *matrix, struct package *package, struct error *err)
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
		auto_free char *absolute = NULL, *url = NULL;

		if (path_absolute(file, &absolute, err) < 0)
			return -1;
		url = http_url_of_file(absolute);
		package_add_url(package, url);
	}
	return 0;
}

/* The packages of the wanted hosts, also on failure as far as it came. */
static int
select_packages(const struct workspace *work, struct package_list *list, struct error *err)
{
	const struct package_list *locked = &work->lock->packages;

	list->items = xcalloc(locked->count + 1, sizeof(*list->items));
	for (size_t i = 0; i < locked->count; i++) {
		struct package *package = &list->items[list->count];

		if (!workspace_wants_host(work, locked->items[i].host))
			continue;
		*package = locked->items[i];
		copy_urls(package);
		list->count++;
		if (add_urls(work->matrix, package, err) < 0)
			return -1;
	}
	return 0;
}

static void
add_up(struct step_fetch *fetching)
{
	const struct package_list *list = &fetching->packages;

	for (size_t i = 0; i < list->count; i++) {
		fetching->fetched += fetching->results[i].outcome == FETCH_FETCHED;
		fetching->present += fetching->results[i].outcome == FETCH_PRESENT;
		fetching->size += list->items[i].size;
		fetching->received += fetching->results[i].received;
	}
}

int
step_fetch(const struct workspace *work, bool rehash, struct step_fetch *ret_fetching,
	   struct error *err)
{
	struct step_fetch *fetching = ret_fetching;
	double started = monotonic_sec();
	int result;

	if (upstream_open(work, work->matrix, &fetching->upstream, err) < 0 ||
	    select_packages(work, &fetching->packages, err) < 0)
		return -1;
	fetching->results = xcalloc(fetching->packages.count + 1, sizeof(*fetching->results));
	result = upstream_fetch(fetching->upstream, &fetching->packages, rehash, fetching->results,
				err);
	fetching->seconds = monotonic_sec() - started;
	add_up(fetching);
	return result;
}
