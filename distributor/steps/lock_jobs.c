/* SPDX-License-Identifier: MIT */
#include "distributor/steps/lock_jobs.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "distributor/steps/upstream.h"
#include "matrix/lock.h"

#include <stdio.h>
#include <string.h>

typedef int stage_function(struct lock_jobs *jobs, struct lock_job *job, struct error *err);

struct stage {
	struct lock_jobs *jobs;
	stage_function *run;
};

int
lock_jobs_open(struct workspace *work, const struct matrix *matrix, struct lock_jobs *ret_jobs,
	       struct error *err)
{
	ret_jobs->work = work;
	ret_jobs->matrix = matrix;
	(void)pthread_mutex_init(&ret_jobs->lock, NULL);
	if (workspace_check_hosts(work, matrix, err) < 0)
		return -1;
	ret_jobs->items = xcalloc(matrix->host_count, sizeof(*ret_jobs->items));
	for (size_t i = 0; i < matrix->host_count; i++)
		if (workspace_wants_host(work, matrix->hosts[i].arch->name))
			ret_jobs->items[ret_jobs->count++].host = &matrix->hosts[i];
	return upstream_open(work, matrix, &ret_jobs->upstream, err);
}

void
lock_jobs_clear(struct lock_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++) {
		package_list_clear(&jobs->items[i].packages);
		free(jobs->items[i].newest);
	}
	free(jobs->items);
	upstream_free(jobs->upstream);
	if (jobs->work != NULL)
		(void)pthread_mutex_destroy(&jobs->lock);
}

static int
check_newest(struct lock_jobs *jobs, struct lock_job *job, struct error *err)
{
	return upstream_newest(jobs->upstream, job->host, &job->newest, err);
}

static int
find_packages(struct lock_jobs *jobs, struct lock_job *job, struct error *err)
{
	if (upstream_resolve(jobs->upstream, job->host, &job->packages, err) < 0)
		return -1;
	for (size_t i = 0; i < job->packages.count; i++)
		if (lock_check_upstream(&job->packages.items[i], jobs->matrix, job->host, err) < 0)
			return -1;
	return 0;
}

static int
bring_packages(struct lock_jobs *jobs, struct lock_job *job, struct error *err)
{
	auto_free char *label =
		xasprintf("%s from %s", job->host->arch->name, job->host->source->key);
	struct progress_task *task = progress_start(jobs->work->progress, label, PROGRESS_ITEMS, 0);
	auto_free char *line = NULL;
	double started = monotonic_sec();
	size_t members = 0;

	if (upstream_pin(jobs->upstream, job->host, &job->packages, err) < 0) {
		progress_done(task, NULL);
		return -1;
	}
	for (size_t i = 0; i < job->packages.count; i++)
		members += job->packages.items[i].member_count;
	line = xasprintf("locked %s: %s, %zu emulator%s in %zu package%s, %.1f s", label,
			 job->packages.items[0].version, members, plural(members),
			 job->packages.count, plural(job->packages.count),
			 monotonic_sec() - started);
	progress_done(task, line);
	return 0;
}

/* The failure of another host whose source could not be reached: this one's is the same. */
static bool
take_failure(struct lock_jobs *jobs, struct lock_job *job)
{
	bool found = false;

	(void)pthread_mutex_lock(&jobs->lock);
	for (size_t i = 0; i < jobs->count && !found; i++) {
		const struct lock_job *other = &jobs->items[i];

		found = other->failed && other->error.code == ERR_NETWORK &&
			other->host->source == job->host->source;
		if (found)
			job->error = other->error;
	}
	job->failed = found;
	(void)pthread_mutex_unlock(&jobs->lock);
	return found;
}

/* A host that fails keeps its error and does not keep the others from being tried. */
static int
run_stage_for(size_t index, void *context, struct error *err)
{
	struct stage *stage = context;
	struct lock_jobs *jobs = stage->jobs;
	struct lock_job *job = &jobs->items[index];
	bool failed;

	if (take_failure(jobs, job))
		return 0;
	failed = stage->run(jobs, job, err) < 0;
	(void)pthread_mutex_lock(&jobs->lock);
	job->failed = failed;
	if (failed)
		job->error = *err;
	(void)pthread_mutex_unlock(&jobs->lock);
	return 0;
}

/* One sentence will do for hosts of a source that was not reached, and for equal ones. */
static bool
is_same_failure(const struct lock_job *a, const struct lock_job *b)
{
	return a->failed && b->failed &&
	       ((a->host->source == b->host->source && a->error.code == ERR_NETWORK &&
		 b->error.code == ERR_NETWORK) ||
		strcmp(a->error.message, b->error.message) == 0);
}

static bool
is_told(const struct lock_jobs *jobs, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (is_same_failure(&jobs->items[i], &jobs->items[index]))
			return true;
	return false;
}

/* "...; the same for ppc64le, s390x" */
static void
add_others(const struct lock_jobs *jobs, size_t index, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf names = STRBUF_INIT;
	auto_free char *why = xstrdup(err->message);

	for (size_t i = index + 1; i < jobs->count; i++)
		if (is_same_failure(&jobs->items[index], &jobs->items[i]))
			strbuf_addf(&names, "%s%s", names.length > 0 ? ", " : "",
				    jobs->items[i].host->arch->name);
	if (names.length > 0)
		error_set(err, err->code, "%s; also for %s", why, strbuf_text(&names));
}

/* Who has just cloned this has no lock of the default matrix, and perhaps no way to Fedora. */
static void
add_way_out(const struct lock_jobs *jobs, const struct lock_job *job, struct error *err)
{
	auto_free char *other = workspace_ready_matrix(jobs->work);
	auto_free char *why = xstrdup(err->message);

	if (other != NULL && err->code == ERR_NETWORK && job->host->source->type == SOURCE_FEDORA)
		error_set(err, err->code,
			  "%s; '%s' does not need Fedora and has a lock: use --matrix %s", why,
			  other, other);
}

static int
report_failures(const struct lock_jobs *jobs, struct error *err)
{
	bool failed = false;

	for (size_t i = 0; i < jobs->count; i++) {
		struct error told;

		if (!jobs->items[i].failed || is_told(jobs, i))
			continue;
		told = jobs->items[i].error;
		add_others(jobs, i, &told);
		add_way_out(jobs, &jobs->items[i], &told);
		if (failed)
			log_error("%s", told.message);
		else
			*err = told;
		failed = true;
	}
	return failed ? -1 : 0;
}

static int
run_stage(struct lock_jobs *jobs, stage_function *run, struct error *err)
{
	unsigned int threads =
		(unsigned int)(jobs->work->jobs < jobs->count ? jobs->work->jobs : jobs->count);
	struct stage stage = {jobs, run};

	if (parallel_for(jobs->count, threads, run_stage_for, &stage, err) < 0)
		return -1;
	return report_failures(jobs, err);
}

int
lock_jobs_check(struct lock_jobs *jobs, struct error *err)
{
	return run_stage(jobs, check_newest, err);
}

int
lock_jobs_pin(struct lock_jobs *jobs, struct error *err)
{
	if (run_stage(jobs, find_packages, err) < 0)
		return -1;
	return run_stage(jobs, bring_packages, err);
}
