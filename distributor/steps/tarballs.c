/* SPDX-License-Identifier: MIT */
#include "distributor/steps/tarballs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "distributor/workspace/epoch.h"
#include "distributor/workspace/out_claim.h"
#include "sources/cache.h"
#include "sources/emulators.h"

#include <string.h>

void
step_tarballs_clear(struct step_tarballs *packing)
{
	for (size_t i = 0; i < packing->host_count; i++)
		free(packing->hosts[i].members);
	free(packing->hosts);
	cache_free(packing->cache);
	plan_clear(&packing->plan);
	assets_report_clear(&packing->report);
	*packing = (struct step_tarballs)STEP_TARBALLS_INIT;
}

void
step_tarballs_host(const struct plan *plan, size_t index, struct assets_host *ret_host)
{
	const struct matrix_host *from = plan->hosts[index].host;
	struct assets_host host = {.arch = from->arch, .legacy_names = from->legacy_names};

	host.members = xcalloc(plan->target_count + 1, sizeof(*host.members));
	for (size_t t = 0; t < plan->target_count; t++) {
		const struct plan_cell *cell = plan_cell(plan, t, index);

		if (cell->state == PLAN_LOCKED && cell->tarball)
			host.members[host.count++] =
				(struct assets_member){cell->package, cell->member, cell->image};
	}
	*ret_host = host;
}

static void
plan_hosts(struct step_tarballs *packing)
{
	const struct workspace *work = packing->work;

	plan_make(work->matrix, work->lock, &packing->plan);
	packing->hosts = xcalloc(packing->plan.host_count + 1, sizeof(*packing->hosts));
	for (size_t h = 0; h < packing->plan.host_count; h++)
		if (workspace_wants_host(work, packing->plan.hosts[h].host->arch->name))
			step_tarballs_host(&packing->plan, h,
					   &packing->hosts[packing->host_count++]);
}

static bool
wants_any(struct assets_sink *sink, const struct package *package)
{
	for (size_t i = 0; i < package->member_count; i++)
		if (assets_wants(sink, package->members[i].target))
			return true;
	return false;
}

static int
fill(struct assets_sink *sink, struct emulator_reader *reader, struct pipeline_item *item,
     const char *name, struct error *err)
{
	enum { PIECE = 1 << 20 };

	for (size_t at = 0; at < item->size;) {
		size_t left = item->size - at, length = left < PIECE ? left : (size_t)PIECE;
		ssize_t got;

		if (assets_grow(sink, item, at + length, err) < 0)
			return -1;
		got = emulator_reader_read(reader, item->bytes + at, length, err);
		if (got < 0)
			return -1;
		if ((size_t)got != length)
			return error_set(err, ERR_INPUT, "'%s' is truncated", name);
		at += length;
	}
	return 0;
}

/* Hands the emulator that the reader is at to the workers. */
static int
hand_over(struct assets_sink *sink, struct emulator_reader *reader, const struct emulator *emulator,
	  struct error *err)
{
	struct pipeline_item *item = NULL;
	int wanted = assets_reserve(sink, emulator->target, emulator->size, &item, err);

	if (wanted <= 0)
		return wanted;
	if (fill(sink, reader, item, emulator->path, err) < 0) {
		assets_return(sink, item);
		return -1;
	}
	assets_submit(sink, item);
	return 0;
}

static int
stream_package(struct step_tarballs *packing, struct assets_sink *sink,
	       const struct package *package, struct error *err)
{
	AUTO(emulator_reader_freep) struct emulator_reader *reader = NULL;
	auto_free char *path = NULL;
	auto_free char *command = workspace_command(packing->work, "fetch",
						    SHARED_MATRIX | SHARED_LOCK | SHARED_CACHE);
	struct emulator emulator;
	int found = cache_lookup(packing->cache, &package->sha256, package->size,
				 CACHE_CHECK_DIGEST, &path, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_NOT_FOUND, "'%s' is not in the cache; run '%s' first",
				 package->file, command);
	if (emulator_reader_open(path, package->file, &reader, err) < 0)
		return -1;
	while ((found = emulator_reader_next(reader, &emulator, err)) > 0)
		if (hand_over(sink, reader, &emulator, err) < 0)
			return error_prefix(err, "'%s'", package->file);
	return found;
}

static int
produce(struct assets_sink *sink, const struct assets_host *host, void *context, struct error *err)
{
	struct step_tarballs *packing = context;

	for (size_t i = 0; i < packing->work->lock->packages.count; i++) {
		const struct package *package = &packing->work->lock->packages.items[i];

		if (strcmp(package->host, host->arch->name) == 0 && wants_any(sink, package) &&
		    stream_package(packing, sink, package, err) < 0)
			return -1;
	}
	return 0;
}

static struct progress_task *
begin(const struct assets_host *host, uint64_t bytes, void *context)
{
	struct step_tarballs *packing = context;

	return progress_start(packing->work->progress, host->arch->name, PROGRESS_BYTES, bytes);
}

static void
end(const struct assets_host *host, struct progress_task *task, bool complete, double seconds,
    void *context)
{
	auto_free char *line = xasprintf("packed %s: %zu tarball%s in %.1f s", host->arch->name,
					 host->count, plural(host->count), seconds);

	(void)context;
	progress_done(task, complete ? line : NULL);
}

/* What signing and publishing put beside the assets. */
static bool
is_release_file(const char *name)
{
	static const char *const endings[] = {".json", ".sig", ".minisig", ".pub", ".pem"};

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (text_ends_with(name, endings[i]))
			return true;
	return strcmp(name, "SHA256SUMS") == 0 || strcmp(name, "allowed_signers") == 0 ||
	       strcmp(name, "revoked_keys") == 0;
}

static bool
package_is_locked(const struct lock *lock, const struct digest *sha256)
{
	for (size_t i = 0; i < lock->packages.count; i++)
		if (digest_equal(&lock->packages.items[i].sha256, sha256))
			return true;
	return false;
}

/*
 * Makes what is there the assets of the release: after a run for some hosts only, what is there of
 * the others belongs to it if it was made from this lock.
 */
static void
make_list(const struct lock *lock, struct asset_list *list)
{
	AUTO(asset_list_clear) struct asset_list others = ASSET_LIST_INIT;
	size_t count = 0;

	list->name = xstrdup(lock->name);
	list->version = xstrdup(lock->version);
	list->lock_sha256 = lock->digest;
	for (size_t i = 0; i < list->count; i++)
		if (package_is_locked(lock, &list->items[i].package_sha256))
			list->items[count++] = list->items[i];
		else
			*asset_list_add(&others) = list->items[i];
	list->count = count;
}

/* Writes OUT/assets.json unless it is so already. */
static int
write_list(const struct step_tarballs *packing, struct asset_list *list, struct error *err)
{
	auto_free char *path = path_join(packing->work->out, ASSETS_NAME);
	auto_free char *text = NULL;

	make_list(packing->work->lock, list);
	text = asset_list_format(list);
	if (seen_is(packing->work->seen, path, text))
		return 0;
	return write_file(path, text, strlen(text), 0644, err);
}

static void
add_up(struct step_tarballs *packing)
{
	for (size_t i = 0; i < packing->host_count; i++) {
		const struct assets_host_report *of = &packing->report.hosts[i];

		packing->made += of->made;
		packing->unchanged += of->unchanged;
		packing->bytes_in += of->bytes_in;
		packing->bytes_out += of->bytes_out;
	}
}

static int
make_request(const struct workspace *work, struct step_tarballs *packing,
	     struct assets_request *ret_request, struct error *err)
{
	struct assets_request request = {.out = work->out,
					 .partial = work->hosts.count != 0,
					 .jobs = (unsigned int)work->jobs,
					 .seen = work->seen,
					 .produce = produce,
					 .begin = begin,
					 .end = end,
					 .keeps = is_release_file,
					 .context = packing};

	packing->work = work;
	if (workspace_epoch(work, &request.source_date_epoch, err) < 0)
		return -1;
	plan_hosts(packing);
	request.hosts = packing->hosts;
	request.host_count = packing->host_count;
	*ret_request = request;
	return 0;
}

int
step_tarballs(const struct workspace *work, bool wait, struct step_tarballs *ret_packing,
	      struct error *err)
{
	double started = monotonic_sec();
	struct assets_request request;
	auto_close int lock = -1;

	if (make_request(work, ret_packing, &request, err) < 0 ||
	    cache_open(work->cache, &ret_packing->cache, err) < 0)
		return -1;
	lock = out_claim(work->out, wait, err);
	if (lock < 0 || assets_make(&request, &ret_packing->report, err) < 0 ||
	    write_list(ret_packing, &ret_packing->report.assets, err) < 0)
		return -1;
	add_up(ret_packing);
	ret_packing->seconds = monotonic_sec() - started;
	return 0;
}

int
step_tarballs_are_complete(const struct workspace *work, bool *ret_complete, struct error *err)
{
	AUTO(step_tarballs_clear) struct step_tarballs packing = STEP_TARBALLS_INIT;
	struct assets_request request;

	if (make_request(work, &packing, &request, err) < 0)
		return -1;
	return assets_look(&request, ret_complete, err);
}
