/* SPDX-License-Identifier: MIT */
#include "pack/assets.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "pack/assets_internal.h"

#include <string.h>

/*
 * Memory for programs, for each worker. Two emulators in work and most of a third fit into that of
 * two workers; the whole process then has about 64 MB.
 */
static const size_t BUFFER_BYTES_PER_JOB = 13 << 20;

struct assets_sink {
	struct host_state *host;
	struct pipeline *pipeline;
};

void
assets_report_clear(struct assets_report *report)
{
	for (size_t i = 0; i < report->removed_count; i++)
		free(report->removed[i]);
	for (size_t i = 0; i < report->stray_count; i++)
		free(report->strays[i]);
	free(report->removed);
	free(report->strays);
	free(report->hosts);
	asset_list_clear(&report->assets);
	packlist_clear(&report->packlist);
	*report = (struct assets_report)ASSETS_REPORT_INIT;
}

static void
build_init(struct build *build, const struct assets_request *plan)
{
	struct pair *next;

	*build = (struct build){.plan = plan, .old = PACKLIST_INIT};
	build->directory = path_join(plan->out, ASSETS_DIRECTORY);
	build->packlist_path = path_join(plan->out, PACKLIST_NAME);
	build->compressor = deflater_identity();
	(void)pthread_mutex_init(&build->lock, NULL);
	(void)pthread_cond_init(&build->turning, NULL);
	for (size_t h = 0; h < plan->host_count; h++)
		build->pair_count += plan->hosts[h].count;
	build->hosts = xcalloc(plan->host_count + 1, sizeof(*build->hosts));
	build->pairs = xcalloc(build->pair_count + 1, sizeof(*build->pairs));
	next = build->pairs;
	for (size_t h = 0; h < plan->host_count; h++) {
		struct host_state *host = &build->hosts[h];

		host->plan = &plan->hosts[h];
		host->build = build;
		host->pairs = next;
		for (size_t i = 0; i < host->plan->count; i++, next++) {
			next->wanted = &host->plan->members[i];
			next->host = host;
		}
	}
}

static void
build_clear(struct build *build)
{
	for (size_t h = 0; h < build->plan->host_count; h++)
		diff_id_free(build->hosts[h].running);
	(void)pthread_mutex_destroy(&build->lock);
	(void)pthread_cond_destroy(&build->turning);
	packlist_clear(&build->old);
	free(build->directory);
	free(build->packlist_path);
	free(build->compressor);
	free(build->hosts);
	free(build->pairs);
}

/* A packlist that is missing or damaged only means that everything is made again. */
static int
load_old(struct build *build, struct error *err)
{
	struct error why = ERROR_INIT;

	if (packlist_load_seen(build->plan->seen, build->packlist_path, &build->old, &why) == 0)
		return 0;
	if (why.code == ERR_IO) {
		*err = why;
		return -1;
	}
	log_debug("ignoring the packlist of an earlier run: %s", why.message);
	return 0;
}

static int
check_one(size_t index, void *context, struct error *err)
{
	struct build *build = context;

	pair_check(build, &build->pairs[index]);
	return interrupt_check(err);
}

static int
link_one(size_t index, void *context, struct error *err)
{
	const struct build *build = context;
	const struct pair *pair = &build->pairs[index];

	if (!pair->complete || !pair->host->plan->legacy_names)
		return 0;
	return pair_link_legacy(build, pair, err);
}

/* Finds out which pairs an earlier run has made. */
static int
check_all(struct build *build, struct error *err)
{
	if (load_old(build, err) < 0)
		return -1;
	return parallel_for(build->pair_count, build->plan->jobs, check_one, build, err);
}

static struct pair *
find_pair(struct host_state *host, const char *target)
{
	for (size_t i = 0; i < host->plan->count; i++)
		if (strcmp(host->pairs[i].wanted->member->target, target) == 0)
			return &host->pairs[i];
	return NULL;
}

bool
assets_wants(struct assets_sink *sink, const char *target)
{
	const struct pair *pair = find_pair(sink->host, target);

	/* Nobody else changes these two before it is submitted. */
	return pair != NULL && !pair->submitted && !pair->complete;
}

int
assets_reserve(struct assets_sink *sink, const char *target, uint64_t size,
	       struct pipeline_item **ret_item, struct error *err)
{
	struct pair *pair = find_pair(sink->host, target);
	const struct member *member;

	if (pair == NULL)
		return 0;
	member = pair->wanted->member;
	if (pair->submitted)
		return error_set(err, ERR_INPUT, "duplicate program for %s", target);
	if (pair->complete)
		return 0;
	if (size != member->size)
		return error_set(err, ERR_VERIFY,
				 "'%s' has %llu bytes, expected %llu as in the lock", member->path,
				 (unsigned long long)size, (unsigned long long)member->size);
	if (pipeline_reserve(sink->pipeline, (size_t)size, ret_item, err) < 0)
		return -1;
	(*ret_item)->tag = pair;
	return 1;
}

/* Gives the pair its turn in the all-in-one digest, as long as they come in the right order. */
static void
give_turn(struct host_state *host, struct pair *pair)
{
	if (host->running == NULL || !pair->wanted->image)
		return;
	if (host->last != NULL && host->last > pair)
		return;
	pair->in_turn = true;
	pair->turn = host->turns_given++;
	host->last = pair;
}

void
assets_submit(struct assets_sink *sink, struct pipeline_item *item)
{
	struct host_state *host = sink->host;
	struct pair *pair = item->tag;

	(void)pthread_mutex_lock(&host->build->lock);
	pair->submitted = true;
	host->pending++;
	give_turn(host, pair);
	(void)pthread_mutex_unlock(&host->build->lock);
	pipeline_submit(sink->pipeline, item);
}

int
assets_grow(struct assets_sink *sink, struct pipeline_item *item, size_t length, struct error *err)
{
	return pipeline_grow(sink->pipeline, item, length, err);
}

void
assets_return(struct assets_sink *sink, struct pipeline_item *item)
{
	pipeline_return(sink->pipeline, item);
}

/* The host's last thread is here, holding the lock, or no other thread is left. */
static void
tell_end(struct host_state *host, bool complete)
{
	const struct assets_request *plan = host->build->plan;

	if (host->started_sec == 0 || host->ended)
		return;
	host->ended = true;
	host->seconds = monotonic_sec() - host->started_sec;
	if (plan->end != NULL)
		plan->end(host->plan, host->task, complete, host->seconds, plan->context);
	host->task = NULL;
}

static int
end_host(struct host_state *host, struct error *err)
{
	tell_end(host, true);
	host_settle(host);
	return build_save(host->build, true, err);
}

int
host_pair_done(struct host_state *host, struct error *err)
{
	int result = 0;

	(void)pthread_mutex_lock(&host->build->lock);
	host->pending--;
	if (host->produced && host->pending == 0)
		result = end_host(host, err);
	(void)pthread_mutex_unlock(&host->build->lock);
	return result;
}

static int
check_all_came(const struct host_state *host, struct error *err)
{
	for (size_t i = 0; i < host->plan->count; i++) {
		const struct pair *pair = &host->pairs[i];

		if (!pair->complete && !pair->submitted)
			return error_set(err, ERR_INPUT,
					 "'%s' does not contain '%s', which is in the lock",
					 pair->wanted->package->file, pair->wanted->member->path);
	}
	return 0;
}

static uint64_t
missing_bytes(const struct host_state *host)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < host->plan->count; i++)
		if (!host->pairs[i].complete)
			bytes += host->pairs[i].wanted->member->size;
	return bytes;
}

/* The hosts of which something has to be made, for produce_host(). */
struct work {
	struct build *build;
	struct host_state **hosts;
	size_t count;
};

static int
produce_host(struct pipeline *pipeline, size_t source, void *context, struct error *err)
{
	struct work *work = context;
	struct host_state *host = work->hosts[source];
	struct build *build = work->build;
	struct assets_sink sink = {host, pipeline};
	int result = 0;

	host->started_sec = monotonic_sec();
	if (build->plan->begin != NULL)
		host->task =
			build->plan->begin(host->plan, missing_bytes(host), build->plan->context);
	if (build->plan->produce(&sink, host->plan, build->plan->context, err) < 0)
		return error_prefix(err, "%s", host->plan->arch->name);
	(void)pthread_mutex_lock(&build->lock);
	result = check_all_came(host, err);
	if (result == 0) {
		host->produced = true;
		if (host->pending == 0)
			result = end_host(host, err);
	}
	(void)pthread_mutex_unlock(&build->lock);
	return result;
}

/* Lists the hosts with something to make, and settles the others. */
static void
find_work(struct build *build, struct work *work, size_t *ret_largest)
{
	*work = (struct work){.build = build};
	work->hosts = xcalloc(build->plan->host_count + 1, sizeof(struct host_state *));
	*ret_largest = 0;
	for (size_t h = 0; h < build->plan->host_count; h++) {
		struct host_state *host = &build->hosts[h];
		size_t missing = 0;

		for (size_t i = 0; i < host->plan->count; i++) {
			size_t size = (size_t)host->pairs[i].wanted->member->size;

			if (host->pairs[i].complete)
				continue;
			missing++;
			if (size > *ret_largest)
				*ret_largest = size;
		}
		if (missing == 0) {
			host_settle(host);
			continue;
		}
		/* Only if all programs come by can the digest over all be taken on the way. */
		if (missing == host->plan->count)
			host->running = diff_id_new(build->plan->source_date_epoch);
		work->hosts[work->count++] = host;
	}
}

static int
run_pipeline(struct build *build, struct error *err)
{
	struct work work;
	struct pipeline_work steps = {.produce = produce_host,
				      .consume = pair_pack,
				      .scratch_new = pack_scratch_new,
				      .scratch_free = pack_scratch_free,
				      .context = &work};
	struct pipeline_limits limits = {.workers = build->plan->jobs};
	int result = 0;

	find_work(build, &work, &limits.item_bytes);
	steps.source_count = work.count;
	/* Unpacking takes about as long as compressing with one thread. */
	limits.producers = build->plan->jobs > 1 ? build->plan->jobs / 2 : 1;
	if (limits.producers > work.count)
		limits.producers = (unsigned int)work.count;
	limits.buffer_bytes = build->plan->jobs * BUFFER_BYTES_PER_JOB;
	if (work.count != 0)
		result = pipeline_run(&steps, &limits, err);
	for (size_t i = 0; i < work.count; i++)
		tell_end(work.hosts[i], false);
	free(work.hosts);
	return result;
}

static void
fill_report(const struct build *build, struct assets_report *report)
{
	build_collect(build, build->plan->partial, &report->packlist);
	packlist_list_assets(&report->packlist, &report->assets);
	report->assets.source_date_epoch = build->plan->source_date_epoch;
	report->hosts = xcalloc(build->plan->host_count + 1, sizeof(*report->hosts));
	for (size_t h = 0; h < build->plan->host_count; h++) {
		const struct host_state *host = &build->hosts[h];
		struct assets_host_report *to = &report->hosts[h];

		to->seconds = host->seconds;
		for (size_t i = 0; i < host->plan->count; i++) {
			to->bytes_in += host->pairs[i].packed.size;
			to->bytes_out += host->pairs[i].tarball.size;
			if (host->pairs[i].made)
				to->made++;
			else
				to->unchanged++;
		}
	}
}

static int
prepare(struct build *build, struct error *err)
{
	if (make_directories(build->directory, err) < 0)
		return -1;
	/* What a killed run left half-written; the lock says that nobody is at it now. */
	tempfile_sweep(build->directory);
	tempfile_sweep(build->plan->out);
	if (check_all(build, err) < 0)
		return -1;
	return parallel_for(build->pair_count, build->plan->jobs, link_one, build, err);
}

int
assets_look(const struct assets_request *plan, bool *ret_complete, struct error *err)
{
	AUTO(build_clear) struct build build;

	build_init(&build, plan);
	if (check_all(&build, err) < 0)
		return -1;
	*ret_complete = true;
	for (size_t i = 0; i < build.pair_count; i++)
		*ret_complete = *ret_complete && build.pairs[i].complete;
	return 0;
}

int
assets_make(const struct assets_request *plan, struct assets_report *ret_report, struct error *err)
{
	AUTO(assets_report_clear) struct assets_report report = ASSETS_REPORT_INIT;
	AUTO(build_clear) struct build build;
	struct error ignored = ERROR_INIT;

	build_init(&build, plan);
	if (prepare(&build, err) < 0)
		return -1;
	if (run_pipeline(&build, err) < 0) {
		/* What is complete need not be made again; failing twice says nothing new. */
		(void)!build_save(&build, true, &ignored);
		return -1;
	}
	if (build_clean(&build, &report, err) < 0 || build_save(&build, plan->partial, err) < 0)
		return -1;
	fill_report(&build, &report);
	*ret_report = report;
	report = (struct assets_report)ASSETS_REPORT_INIT;
	return 0;
}
