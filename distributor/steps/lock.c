/* SPDX-License-Identifier: MIT */
#include "distributor/steps/lock.h"

#include "base/alloc.h"
#include "base/file.h"
#include "distributor/steps/lock_downgrade.h"
#include "distributor/steps/lock_jobs.h"
#include "matrix/lock.h"

#include <string.h>

static const char *
locked_version(const struct lock *old, const struct matrix_host *host)
{
	for (size_t i = 0; i < old->packages.count; i++)
		if (strcmp(old->packages.items[i].host, host->arch->name) == 0 &&
		    strcmp(old->packages.items[i].source, host->source->key) == 0)
			return old->packages.items[i].version;
	return NULL;
}

/* True when upstream's version is not the locked one, and not older either. */
static bool
is_newer(const struct matrix_host *host, const char *locked, char *newest)
{
	struct package before = {.type = host->source->type}, after = {.type = host->source->type};
	auto_free char *copy = NULL;

	if (locked == NULL)
		return true;
	copy = xstrdup(locked);
	before.version = copy;
	after.version = newest;
	before.file = after.file = newest; /* of a directory: no name tells, RPM's order will do */
	return package_version_compare(&after, &before) > 0;
}

void
step_lock_news_clear(struct step_lock_news *news)
{
	for (size_t i = 0; i < news->count; i++) {
		free(news->hosts[i].arch);
		free(news->hosts[i].source);
		free(news->hosts[i].locked);
		free(news->hosts[i].newest);
	}
	free(news->hosts);
	*news = (struct step_lock_news)STEP_LOCK_NEWS_INIT;
}

static int
load_old(const char *path, struct lock *ret_old, struct error *err)
{
	if (lock_load(path, "distributor lock", ret_old, err) == 0 || err->code == ERR_NOT_FOUND)
		return 0;
	return -1;
}

/* Before a long work whose result could not be kept. */
static int
try_place(const char *path, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;

	return tempfile_open(&tmp, path, 0644, err);
}

int
step_lock_check(struct workspace *work, struct step_lock_news *ret_news, struct error *err)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock old = LOCK_INIT;
	AUTO(lock_jobs_clear) struct lock_jobs jobs = {.count = 0};
	auto_free char *path = workspace_lock_path(work);

	if (matrix_load(work->matrix_path, &matrix, err) < 0)
		return -1;
	if (load_old(path, &old, err) < 0)
		return -1;
	if (lock_jobs_open(work, &matrix, &jobs, err) < 0)
		return -1;
	if (lock_jobs_check(&jobs, err) < 0)
		return -1;
	ret_news->hosts = xcalloc(jobs.count + 1, sizeof(*ret_news->hosts));
	for (; ret_news->count < jobs.count; ret_news->count++) {
		struct lock_job *job = &jobs.items[ret_news->count];
		struct step_lock_host *host = &ret_news->hosts[ret_news->count];
		const char *locked = locked_version(&old, job->host);

		host->arch = xstrdup(job->host->arch->name);
		host->source = xstrdup(job->host->source->key);
		host->locked = locked != NULL ? xstrdup(locked) : NULL;
		host->is_newer = is_newer(job->host, locked, job->newest);
		host->newest = TAKE(job->newest);
		ret_news->newer += host->is_newer ? 1 : 0;
	}
	return 0;
}

/* Hosts that --host left out keep what the old lock has; `donor` is a copy of it. */
static void
take_packages(struct lock_jobs *jobs, struct lock *donor, const struct matrix *matrix,
	      const struct workspace *work, struct lock *fresh)
{
	for (size_t i = 0; i < jobs->count; i++) {
		for (size_t j = 0; j < jobs->items[i].packages.count; j++)
			*package_list_add(&fresh->packages) = jobs->items[i].packages.items[j];
		jobs->items[i].packages.count = 0;
	}
	for (size_t i = 0; i < donor->packages.count; i++) {
		struct package *package = &donor->packages.items[i];

		if (workspace_wants_host(work, package->host) ||
		    matrix_find_host(matrix, package->host) == NULL)
			continue;
		*package_list_add(&fresh->packages) = *package;
		memset(package, 0, sizeof(*package));
	}
	package_list_sort(&fresh->packages);
	for (size_t i = 0; i < fresh->packages.count; i++)
		if (fresh->packages.items[i].signed_sec > fresh->source_date_epoch)
			fresh->source_date_epoch = fresh->packages.items[i].signed_sec;
}

static int
guard_and_write(const struct workspace *work, const struct matrix *matrix, const struct lock *old,
		const char *downgrade_reason, struct lock *fresh, const char *path,
		bool *ret_written, struct error *err)
{
	auto_free char *command = workspace_command(work, "lock", SHARED_MATRIX | SHARED_LOCK);
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	AUTO(lock_clear) struct lock readable = LOCK_INIT;
	auto_free char *text = NULL;

	*ret_written = false;
	if (lock_check_matrix(fresh, matrix, command, err) < 0)
		return -1;
	if (old->name != NULL) {
		if (lock_refuse_downgrade(old, fresh, downgrade_reason, err) < 0 ||
		    lock_refuse_lost_pairs(old, fresh, matrix, err) < 0)
			return -1;
		/* The same packages keep the old file: its dates are part of reproducible bytes. */
		if (!lock_differs(old, fresh))
			return 0;
	}
	text = lock_format(fresh);
	/* What the reader would refuse (a binary in two packages, say) is never written. */
	if (lock_parse(path, text, strlen(text), &readable, err) < 0 ||
	    tempfile_open(&tmp, path, 0644, err) < 0 ||
	    write_all(tmp.fd, text, strlen(text), path, err) < 0 ||
	    tempfile_commit_durable(&tmp, err) < 0)
		return -1;
	*ret_written = true;
	return 0;
}

static void
fill_result(const struct lock *lock, struct step_lock_result *result)
{
	result->serial = lock->serial;
	result->packages = lock->packages.count;
	for (size_t i = 0; i < lock->packages.count; i++)
		result->emulators += lock->packages.items[i].member_count;
}

void
step_lock_result_clear(struct step_lock_result *result)
{
	free(result->path);
	*result = (struct step_lock_result)STEP_LOCK_RESULT_INIT;
}

int
step_lock(struct workspace *work, const char *downgrade_reason, struct step_lock_result *ret_result,
	  struct error *err)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock old = LOCK_INIT, donor = LOCK_INIT, fresh = LOCK_INIT;
	AUTO(lock_jobs_clear) struct lock_jobs jobs = {.count = 0};
	auto_free char *path = workspace_lock_path(work);
	bool written;

	if (matrix_load(work->matrix_path, &matrix, err) < 0)
		return -1;
	if (load_old(path, &old, err) < 0 || load_old(path, &donor, err) < 0)
		return -1;
	if (try_place(path, err) < 0)
		return -1;
	if (lock_jobs_open(work, &matrix, &jobs, err) < 0)
		return -1;
	if (lock_jobs_pin(&jobs, err) < 0)
		return -1;
	fresh.name = xstrdup(matrix.name);
	fresh.version = xstrdup(matrix.version);
	fresh.serial = old.serial + 1;
	if (downgrade_reason != NULL)
		fresh.downgrade_reason = xstrdup(downgrade_reason);
	take_packages(&jobs, &donor, &matrix, work, &fresh);
	if (guard_and_write(work, &matrix, &old, downgrade_reason, &fresh, path, &written, err) < 0)
		return -1;
	fill_result(written ? &fresh : &old, ret_result);
	ret_result->written = written;
	ret_result->path = TAKE(path);
	return 0;
}
