/* SPDX-License-Identifier: MIT */
#include "distributor/steps/fetch.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "net/url.h"

void
step_fetch_clear(struct step_fetch *fetching)
{
	if (fetching->results != NULL)
		fetch_results_clear(fetching->results, fetching->packages.count);
	free(fetching->results);
	free(fetching->packages.items);
	upstream_free(fetching->upstream);
	lock_clear(&fetching->lock);
	matrix_clear(&fetching->matrix);
	*fetching = (struct step_fetch)STEP_FETCH_INIT;
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

/* The packages of the wanted hosts; its items are borrowed from the lock, the array is not. */
static int
select_packages(const struct workspace *work, const struct matrix *matrix, struct lock *lock,
		struct package_list *ret_list, struct error *err)
{
	auto_free struct package *items = xcalloc(lock->packages.count + 1, sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < lock->packages.count; i++) {
		struct package *package = &lock->packages.items[i];

		if (!workspace_wants_host(work, package->host))
			continue;
		if (add_urls(matrix, package, err) < 0)
			return -1;
		items[count++] = *package;
	}
	*ret_list = (struct package_list){.items = TAKE(items), .count = count};
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

	if (workspace_load(work, &fetching->matrix, &fetching->lock, err) < 0 ||
	    upstream_open(work, &fetching->matrix, &fetching->upstream, err) < 0 ||
	    select_packages(work, &fetching->matrix, &fetching->lock, &fetching->packages, err) < 0)
		return -1;
	fetching->results = xcalloc(fetching->packages.count + 1, sizeof(*fetching->results));
	result = upstream_fetch(fetching->upstream, &fetching->packages, rehash, fetching->results,
				err);
	fetching->seconds = monotonic_sec() - started;
	add_up(fetching);
	return result;
}
