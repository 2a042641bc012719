/* SPDX-License-Identifier: MIT */
#include "matrix/lock.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"
#include "distributor/steps/lock_downgrade.h"
#include "distributor/steps/lock_jobs.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_lock;

static bool check_only;
static const char *downgrade_reason;

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

static int
report_check(struct app *app, const struct lock_jobs *work, const struct lock *old,
	     struct error *err)
{
	static const char *const headers[] = {"host", "source", "locked", "upstream", ""};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));
	json_t *array = json_array();
	auto_free char *command =
		workspace_command(&app->work, "lock", SHARED_MATRIX | SHARED_LOCK);
	size_t newer = 0;

	for (size_t i = 0; i < work->count; i++) {
		const struct lock_job *job = &work->items[i];
		const char *locked = locked_version(old, job->host);
		bool is = is_newer(job->host, locked, job->newest);

		newer += is ? 1 : 0;
		table_add(table, job->host->arch->name);
		table_add(table, job->host->source->key);
		table_add(table, locked != NULL ? locked : "(not locked)");
		table_add(table, job->newest);
		table_add(table, is ? "newer" : "");
		jsonx_append(array,
			     jsonx_pack("{s:s, s:s, s:s?, s:s, s:b}", "host", job->host->arch->name,
					"source", job->host->source->key, "locked", locked,
					"upstream", job->newest, "newer", is ? 1 : 0));
	}
	if (!app->json && !app->quiet)
		table_print(table, TABLE_TEXT);
	if (app->json)
		app_print_json(array);
	else
		json_decref(array);
	if (newer != 0)
		return error_set(err, ERR_IO,
				 "upstream has something newer for %zu host%s; run '%s'", newer,
				 newer == 1 ? "" : "s", command);
	return 0;
}

/* Hosts that --host left out keep what the old lock has; `donor` is a copy of it. */
static void
take_packages(struct lock_jobs *work, struct lock *donor, const struct matrix *matrix,
	      const struct app *app, struct lock *fresh)
{
	for (size_t i = 0; i < work->count; i++) {
		for (size_t j = 0; j < work->items[i].packages.count; j++)
			*package_list_add(&fresh->packages) = work->items[i].packages.items[j];
		work->items[i].packages.count = 0;
	}
	for (size_t i = 0; i < donor->packages.count; i++) {
		struct package *package = &donor->packages.items[i];

		if (workspace_wants_host(&app->work, package->host) ||
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
guard_and_write(const struct app *app, const struct matrix *matrix, const struct lock *old,
		struct lock *fresh, const char *path, bool *ret_written, struct error *err)
{
	auto_free char *command =
		workspace_command(&app->work, "lock", SHARED_MATRIX | SHARED_LOCK);
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
report_lock(struct app *app, const struct lock *lock, const char *path, bool written)
{
	size_t members = 0;

	for (size_t i = 0; i < lock->packages.count; i++)
		members += lock->packages.items[i].member_count;
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:b, s:I, s:I, s:I}", "lock", path, "changed",
					  written ? 1 : 0, "serial", (json_int_t)lock->serial,
					  "packages", (json_int_t)lock->packages.count, "emulators",
					  (json_int_t)members));
	else if (app->quiet)
		return;
	else if (written)
		(void)printf("wrote '%s': %zu package%s with %zu emulators\n", path,
			     lock->packages.count, lock->packages.count == 1 ? "" : "s", members);
	else
		(void)printf("'%s' is up to date\n", path);
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

static int
run_lock(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock old = LOCK_INIT;
	AUTO(lock_clear) struct lock donor = LOCK_INIT;
	AUTO(lock_clear) struct lock fresh = LOCK_INIT;
	AUTO(lock_jobs_clear) struct lock_jobs work = {.count = 0};
	auto_free char *path = workspace_lock_path(&app->work);
	bool written;

	(void)argc;
	(void)argv;
	if (matrix_load(app->work.matrix_path, &matrix, err) < 0 || load_old(path, &old, err) < 0 ||
	    load_old(path, &donor, err) < 0 || (!check_only && try_place(path, err) < 0) ||
	    lock_jobs_open(&app->work, &matrix, &work, err) < 0 ||
	    (check_only ? lock_jobs_check(&work, err) : lock_jobs_pin(&work, err)) < 0)
		return -1;
	if (check_only)
		return report_check(app, &work, &old, err);
	fresh.name = xstrdup(matrix.name);
	fresh.version = xstrdup(matrix.version);
	fresh.serial = old.serial + 1;
	if (downgrade_reason != NULL)
		fresh.downgrade_reason = xstrdup(downgrade_reason);
	take_packages(&work, &donor, &matrix, app, &fresh);
	if (guard_and_write(app, &matrix, &old, &fresh, path, &written, err) < 0)
		return -1;
	report_lock(app, written ? &fresh : &old, path, written);
	return 0;
}

static const struct option_spec lock_options[] = {
	{"check", '\0', NULL, OPTION_FLAG, &check_only,
	 "only report newer upstream packages; exit with 1 if\n"
	 "there are any"},
	{"allow-downgrade", '\0', "REASON", OPTION_TEXT, &downgrade_reason,
	 "accept an older version or signing date; REASON is\n"
	 "recorded in the lock"},
	{.name = NULL},
};

const struct command cmd_lock = {
	.name = "lock",
	.args = "",
	.summary = "find the newest packages, verify them, and pin them in the lock",
	.description =
		"Asks each source for the packages of its hosts, downloads them, verifies their\n"
		"signatures up to the keys in the matrix, inspects every emulator, and writes the\n"
		"lock. All later steps use only the lock. If nothing has changed, the lock is not\n"
		"rewritten.\n"
		"\n"
		"Commit the lock together with the matrix.\n",
	.examples = "  distributor lock --matrix matrix/debian.json\n"
		    "  distributor lock --matrix matrix/debian.json --check\n",
	.options = lock_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_CACHE | SHARED_HOST | SHARED_JOBS |
		  SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 0,
	.run = run_lock,
};
