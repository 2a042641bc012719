/* SPDX-License-Identifier: MIT */
#include "distributor/commands/plan_diff.h"
#include "distributor/cli/command.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "model/qemu_version.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void
add(json_t *changes, const char *what, const char *host, const char *before, const char *after)
{
	jsonx_append(changes, jsonx_pack("{s:s, s:s*, s:s*, s:s*}", "change", what, "host", host,
					 "before", before, "after", after));
}

static const struct package *
first_package(const struct lock *lock, const char *host)
{
	for (size_t i = 0; lock != NULL && i < lock->packages.count; i++)
		if (strcmp(lock->packages.items[i].host, host) == 0)
			return &lock->packages.items[i];
	return NULL;
}

static void
compare_host(json_t *changes, const struct matrix *matrix, const struct matrix_host *host,
	     const struct lock *lock)
{
	const char *name = host->arch->name;
	const struct package *package = first_package(lock, name);
	auto_free char *version = matrix_qemu_version(matrix, host);

	if (package == NULL) {
		add(changes, "host added", name, NULL, host->source->key);
		return;
	}
	if (strcmp(package->source, host->source->key) != 0)
		add(changes, "source changed", name, package->source, host->source->key);
	if (!qemu_version_matches(version, package->qemu_version))
		add(changes, "QEMU version changed", name, package->qemu_version, version);
}

static void
compare_removed(json_t *changes, const struct app *app, const struct matrix *matrix,
		const struct lock *lock)
{
	const char *last = "";

	for (size_t i = 0; lock != NULL && i < lock->packages.count; i++) {
		const struct package *package = &lock->packages.items[i];

		if (strcmp(package->host, last) != 0 &&
		    workspace_wants_host(&app->work, package->host) &&
		    matrix_find_host(matrix, package->host) == NULL)
			add(changes, "host removed", package->host, package->source, NULL);
		last = package->host;
	}
}

static void
print_change(const json_t *change)
{
	const char *host = json_string_value(json_object_get(change, "host"));
	const char *before = json_string_value(json_object_get(change, "before"));
	const char *after = json_string_value(json_object_get(change, "after"));

	(void)printf("%s%s%s", json_string_value(json_object_get(change, "change")),
		     host != NULL ? ": " : "", host != NULL ? host : "");
	if (before != NULL)
		(void)printf(" from %s", before);
	if (after != NULL)
		(void)printf("%s %s", before != NULL ? " to" : host != NULL ? " from" : "", after);
	(void)printf("\n");
}

int
plan_diff_print(struct app *app, const struct matrix *matrix, const struct lock *lock,
		struct error *err)
{
	auto_free char *command =
		workspace_command(&app->work, "lock", SHARED_MATRIX | SHARED_LOCK);
	json_t *changes = json_array(), *change;
	size_t i;

	(void)err;
	if (lock == NULL || strcmp(lock->version, matrix->version) != 0)
		add(changes, "release version", NULL, lock != NULL ? lock->version : NULL,
		    matrix->version);
	for (size_t h = 0; h < matrix->host_count; h++)
		if (workspace_wants_host(&app->work, matrix->hosts[h].arch->name))
			compare_host(changes, matrix, &matrix->hosts[h], lock);
	compare_removed(changes, app, matrix, lock);
	if (app->json) {
		app_print_json(changes);
		return 0;
	}
	json_array_foreach (changes, i, change)
		print_change(change);
	if (json_array_size(changes) == 0)
		(void)printf("the lock matches the matrix\n");
	else
		(void)printf("run '%s' to update the lock\n", command);
	json_decref(changes);
	return 0;
}
