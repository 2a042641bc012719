#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/epoch.h"
#include "distributor/out_lock.h"
#include "distributor/table.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "matrix/plan.h"
#include "pack/assets.h"
#include "sources/cache.h"
#include "sources/emulators.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_tarballs;

static bool no_wait;

/* One run. */
struct run {
	struct app *app;
	struct matrix matrix;
	struct lock lock;
	struct plan plan;
	struct cache *cache;
	struct assets_host *hosts;
	size_t host_count;
	double started_sec;
};

static void
run_release(struct run *run)
{
	for (size_t i = 0; i < run->host_count; i++)
		free(run->hosts[i].members);
	free(run->hosts);
	cache_free(run->cache);
	plan_release(&run->plan);
	lock_release(&run->lock);
	matrix_release(&run->matrix);
}

static void
add_host(struct run *run, size_t index)
{
	const struct matrix_host *from = run->plan.hosts[index].host;
	struct assets_host *host = &run->hosts[run->host_count++];

	host->arch = from->arch;
	host->legacy_names = from->legacy_names;
	host->members = xcalloc(run->plan.target_count + 1, sizeof(*host->members));
	for (size_t t = 0; t < run->plan.target_count; t++) {
		const struct plan_cell *cell = plan_cell(&run->plan, t, index);

		if (cell->state == PLAN_LOCKED && cell->tarball)
			host->members[host->count++] =
				(struct assets_member){cell->package, cell->member, cell->image};
	}
}

static int
prepare(struct run *run, struct error *err)
{
	const struct app *app = run->app;
	auto_free char *lock_path = app_lock_path(app);

	if (matrix_load(app->matrix_path, &run->matrix, err) < 0 ||
	    app_check_hosts(app, &run->matrix, err) < 0 ||
	    lock_load(lock_path, &run->lock, err) < 0 ||
	    lock_check_matrix(&run->lock, &run->matrix, err) < 0)
		return -1;
	plan_make(&run->matrix, &run->lock, &run->plan);
	run->hosts = xcalloc(run->plan.host_count + 1, sizeof(*run->hosts));
	for (size_t h = 0; h < run->plan.host_count; h++)
		if (app_wants_host(app, run->plan.hosts[h].host->arch->name))
			add_host(run, h);
	return cache_open(app->cache, &run->cache, err);
}

static bool
wants_any(struct assets_sink *sink, const struct package *package)
{
	for (size_t i = 0; i < package->member_count; i++)
		if (assets_wants(sink, package->members[i].target))
			return true;
	return false;
}

/* Fills a buffer of the workers with the emulator that the reader is at. */
static int
hand_over(struct assets_sink *sink, struct emulator_reader *reader, const struct emulator *emulator,
	  struct error *err)
{
	struct pipeline_item *item = NULL;
	ssize_t got;
	int wanted = assets_reserve(sink, emulator->target, emulator->size, &item, err);

	if (wanted <= 0)
		return wanted;
	got = emulator_reader_read(reader, item->bytes, item->size, err);
	if (got >= 0 && (size_t)got != item->size)
		error_set(err, ERR_INPUT, "'%s' ends too early", emulator->path);
	if (got < 0 || (size_t)got != item->size) {
		assets_return(sink, item);
		return -1;
	}
	assets_submit(sink, item);
	return 0;
}

static int
stream_package(struct run *run, struct assets_sink *sink, const struct package *package,
	       struct error *err)
{
	AUTO(emulator_reader_freep) struct emulator_reader *reader = NULL;
	auto_free char *path = NULL;
	struct emulator emulator;
	int found = cache_lookup(run->cache, &package->sha256, package->size, CACHE_CHECK_DIGEST,
				 &path, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_NOT_FOUND,
				 "'%s' is not in the cache; run 'distributor fetch' first",
				 package->file);
	if (emulator_reader_open(path, &reader, err) < 0)
		return error_prefix(err, "'%s'", package->file);
	while ((found = emulator_reader_next(reader, &emulator, err)) > 0)
		if (hand_over(sink, reader, &emulator, err) < 0)
			return error_prefix(err, "'%s'", package->file);
	return found < 0 ? error_prefix(err, "'%s'", package->file) : 0;
}

static int
produce(struct assets_sink *sink, const struct assets_host *host, void *context, struct error *err)
{
	struct run *run = context;

	for (size_t i = 0; i < run->lock.packages.count; i++) {
		const struct package *package = &run->lock.packages.items[i];

		if (strcmp(package->host, host->arch->name) == 0 && wants_any(sink, package) &&
		    stream_package(run, sink, package, err) < 0)
			return -1;
	}
	return 0;
}

static struct progress_task *
begin(const struct assets_host *host, uint64_t bytes, void *context)
{
	struct run *run = context;

	return progress_start(run->app->progress, host->arch->name, PROGRESS_BYTES, bytes);
}

static void
end(const struct assets_host *host, struct progress_task *task, bool complete, double seconds,
    void *context)
{
	auto_free char *line = xasprintf("packed %s: %zu tarballs in %.1f s", host->arch->name,
					 host->count, seconds);

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
 * Writes OUT/assets.json unless it is so already. After a run for some hosts only, what is there of
 * the others belongs to the release if it was made from this lock.
 */
static int
write_list(const struct run *run, const struct asset_list *made, struct error *err)
{
	struct asset_list list = {.name = run->lock.name,
				  .version = run->lock.version,
				  .source_date_epoch = made->source_date_epoch,
				  .lock_sha256 = run->lock.digest};
	auto_free char *path = path_join(run->app->out, ASSETS_NAME);
	auto_free struct asset *items = xcalloc(made->count + 1, sizeof(*items));
	struct error ignored = ERROR_INIT;
	auto_free char *text = NULL;
	auto_free char *there = NULL;

	list.items = items; /* borrowed from `made` */
	for (size_t i = 0; i < made->count; i++)
		if (package_is_locked(&run->lock, &made->items[i].package_sha256))
			items[list.count++] = made->items[i];
	text = asset_list_format(&list);
	if (read_file(path, strlen(text), &there, NULL, &ignored) == 0 && strcmp(there, text) == 0)
		return 0;
	return write_file(path, text, strlen(text), 0644, err);
}

/* The version of the package that a host's tarballs come from; "several" where they differ. */
static const char *
version_of(const struct assets_host *host)
{
	const char *version = host->count != 0 ? host->members[0].package->version : "";

	for (size_t i = 1; i < host->count; i++)
		if (strcmp(host->members[i].package->version, version) != 0)
			return "several";
	return version;
}

struct totals {
	size_t made, unchanged;
	uint64_t bytes_in, bytes_out;
};

static struct totals
add_up(const struct run *run, const struct assets_report *report)
{
	struct totals totals = {0};

	for (size_t i = 0; i < run->host_count; i++) {
		totals.made += report->hosts[i].made;
		totals.unchanged += report->hosts[i].unchanged;
		totals.bytes_in += report->hosts[i].bytes_in;
		totals.bytes_out += report->hosts[i].bytes_out;
	}
	return totals;
}

static void
print_table(const struct run *run, const struct assets_report *report)
{
	static const char *const headers[] = {"host", "source",    "package",   "tarballs>",
					      "new>", "programs>", "tarballs>", "seconds>"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));

	for (size_t i = 0; i < run->host_count; i++) {
		const struct assets_host *host = &run->hosts[i];
		const struct assets_host_report *of = &report->hosts[i];
		auto_free char *in = format_bytes(of->bytes_in);
		auto_free char *out = format_bytes(of->bytes_out);

		table_add(table, host->arch->name);
		table_add(table, host->count != 0 ? host->members[0].package->source : "");
		table_add(table, version_of(host));
		table_addf(table, "%zu", host->count);
		table_addf(table, "%zu", of->made);
		table_add(table, in);
		table_add(table, out);
		table_addf(table, "%.1f", of->seconds);
	}
	table_print(table, TABLE_TEXT);
}

static void
print_text(const struct run *run, const struct assets_report *report)
{
	struct totals totals = add_up(run, report);
	auto_free char *in = format_bytes(totals.bytes_in);
	auto_free char *out = format_bytes(totals.bytes_out);
	double seconds = monotonic_sec() - run->started_sec;

	if (totals.made == 0 && report->removed_count == 0) {
		(void)printf("nothing to do: %zu tarballs of %zu hosts, %s, are in %s/%s "
			     "(looked at in %.2f s)\n",
			     totals.unchanged, run->host_count, out, run->app->out,
			     ASSETS_DIRECTORY, seconds);
		return;
	}
	print_table(run, report);
	(void)printf("\n%zu tarballs made, %zu were there; %s of programs in %s of tarballs, "
		     "in %s/%s after %.1f s\n",
		     totals.made, totals.unchanged, in, out, run->app->out, ASSETS_DIRECTORY,
		     seconds);
}

static json_t *
names_json(char *const *names, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(array, json_string(names[i]));
	return array;
}

static void
print_json(const struct run *run, const struct assets_report *report)
{
	auto_free char *directory = path_join(run->app->out, ASSETS_DIRECTORY);
	struct totals totals = add_up(run, report);
	json_t *hosts = json_array();

	for (size_t i = 0; i < run->host_count; i++) {
		const struct assets_host_report *of = &report->hosts[i];

		(void)json_array_append_new(
			hosts, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:f}", "host",
					 run->hosts[i].arch->name, "package_version",
					 version_of(&run->hosts[i]), "made", (json_int_t)of->made,
					 "unchanged", (json_int_t)of->unchanged, "bytes_in",
					 (json_int_t)of->bytes_in, "bytes_out",
					 (json_int_t)of->bytes_out, "seconds", of->seconds));
	}
	app_print_json(json_pack("{s:s, s:o, s:I, s:I, s:o, s:o, s:f}", "directory", directory,
				 "hosts", hosts, "made", (json_int_t)totals.made, "unchanged",
				 (json_int_t)totals.unchanged, "removed",
				 names_json(report->removed, report->removed_count), "strays",
				 names_json(report->strays, report->stray_count), "seconds",
				 monotonic_sec() - run->started_sec));
}

static void
print_report(const struct run *run, const struct assets_report *report)
{
	for (size_t i = 0; i < report->removed_count; i++)
		log_info("removed '%s' of an earlier run", report->removed[i]);
	for (size_t i = 0; i < report->stray_count; i++)
		log_warning("'%s/%s/%s' is no part of this release", run->app->out,
			    ASSETS_DIRECTORY, report->strays[i]);
	if (run->app->json)
		print_json(run, report);
	else if (!run->app->quiet)
		print_text(run, report);
}

static int
run_tarballs(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(run_release) struct run run = {.app = app, .started_sec = monotonic_sec()};
	AUTO(assets_report_release) struct assets_report report = ASSETS_REPORT_INIT;
	auto_close int lock = -1;
	struct assets_plan plan = {.out = app->out,
				   .partial = app->hosts.count != 0,
				   .jobs = (unsigned int)app->jobs,
				   .produce = produce,
				   .begin = begin,
				   .end = end,
				   .keeps = is_release_file,
				   .context = &run};

	(void)argc;
	(void)argv;
	if (prepare(&run, err) < 0 ||
	    source_date_epoch(&run.lock, &plan.source_date_epoch, err) < 0)
		return -1;
	plan.hosts = run.hosts;
	plan.host_count = run.host_count;
	lock = out_lock(app->out, !no_wait, err);
	if (lock < 0 || assets_make(&plan, &report, err) < 0 ||
	    write_list(&run, &report.assets, err) < 0)
		return -1;
	print_report(&run, &report);
	return 0;
}

static const struct option_spec tarballs_options[] = {
	{"no-wait", '\0', NULL, OPTION_FLAG, &no_wait,
	 "fail instead of waiting for another run in the same DIR"},
	{.name = NULL},
};

const struct command cmd_tarballs = {
	.name = "tarballs",
	.args = "",
	.summary = "make the release assets from the packages in the cache",
	.description =
		"Makes OUT/assets/FROM_qemu-TO-static.tar.gz for every pair, and under the\n"
		"legacy names qemu-TO-static.tar.gz and qemu-TO-static for the host that\n"
		"carries them. Every program is compared with the lock and has to be a static\n"
		"ELF file of its host. What is there with the right digest is not made again;\n"
		"a run that was stopped or killed is continued by the next one.\n"
		"\n"
		"OUT/assets.json lists what was made. The same lock gives the same bytes\n"
		"everywhere; SOURCE_DATE_EPOCH in the environment replaces the lock's date.\n",
	.examples = "  distributor tarballs\n"
		    "  distributor tarballs --host aarch64 --out part --jobs 4\n"
		    "  distributor tarballs --json | jq .made\n",
	.options = tarballs_options,
	.shared =
		SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_CACHE | SHARED_HOST | SHARED_JOBS,
	.min_args = 0,
	.max_args = 0,
	.run = run_tarballs,
};
