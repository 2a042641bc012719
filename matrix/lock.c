/* SPDX-License-Identifier: MIT */
#include "matrix/lock.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "model/qemu_version.h"

#include <string.h>

void
lock_clear(struct lock *lock)
{
	free(lock->name);
	free(lock->version);
	free(lock->downgrade_reason);
	package_list_clear(&lock->packages);
	*lock = (struct lock)LOCK_INIT;
}

static bool
host_is_locked(const struct lock *lock, const struct matrix_host *host)
{
	for (size_t i = 0; i < lock->packages.count; i++) {
		const struct package *package = &lock->packages.items[i];

		if (strcmp(package->host, host->arch->name) == 0 &&
		    strcmp(package->source, host->source->key) == 0)
			return true;
	}
	return false;
}

static int
refuse_version(const struct package *package, const char *version, const char *wanted,
	       struct error *err)
{
	return error_set(err, ERR_INPUT,
			 "source '%s' has QEMU %s for %s, expected %s; change \"version\" in the "
			 "matrix, or set \"version\": \"%s\" for that host",
			 package->source, version, package->host, wanted, version);
}

static int
check_version(const struct package *package, const struct matrix *matrix,
	      const struct matrix_host *host, struct error *err)
{
	auto_free char *wanted = matrix_qemu_version(matrix, host);

	if (qemu_version_matches(wanted, package->qemu_version))
		return 0;
	return refuse_version(package, package->qemu_version, wanted, err);
}

/* What of "[epoch:]upstream[-revision]" is QEMU's version, to be freed by the caller. */
static char *
upstream_version(const char *version)
{
	const char *colon = strchr(version, ':');
	const char *start = colon != NULL ? colon + 1 : version;
	const char *dash = strrchr(start, '-');
	size_t length = dash != NULL ? (size_t)(dash - start) : strlen(start);
	size_t plain = strcspn(start, "+^");
	auto_free char *upstream = xstrndup(start, plain < length ? plain : length);

	return qemu_version_plain(upstream);
}

int
lock_check_upstream(const struct package *package, const struct matrix *matrix,
		    const struct matrix_host *host, struct error *err)
{
	auto_free char *wanted = matrix_qemu_version(matrix, host);
	auto_free char *upstream = upstream_version(package->version);

	/* The programs in it say the whole version, or that of a candidate or an odd package. */
	if (!qemu_version_is_valid(upstream) || qemu_version_is_candidate(upstream) ||
	    qemu_version_matches(wanted, upstream) || qemu_version_matches(upstream, wanted))
		return 0;
	return refuse_version(package, upstream, wanted, err);
}

static int
check_package(const struct package *package, const struct matrix *matrix, const char *command,
	      struct error *err)
{
	const struct matrix_host *host = matrix_find_host(matrix, package->host);

	if (host == NULL)
		return error_set(
			err, ERR_INPUT,
			"the lock has packages for %s, which is not in the matrix; run '%s'",
			package->host, command);
	if (strcmp(host->source->key, package->source) != 0)
		return error_set(
			err, ERR_INPUT,
			"the lock has %s from source '%s', the matrix has source '%s'; run '%s'",
			package->host, package->source, host->source->key, command);
	return check_version(package, matrix, host, err);
}

/* One release has one QEMU version, but for the hosts that state their own. */
static int
check_one_version(const struct lock *lock, const struct matrix *matrix, struct error *err)
{
	const struct package *first = NULL;

	for (size_t i = 0; i < lock->packages.count; i++) {
		const struct package *package = &lock->packages.items[i];
		const struct matrix_host *host = matrix_find_host(matrix, package->host);

		if (host->version != NULL)
			continue;
		if (first != NULL && strcmp(first->qemu_version, package->qemu_version) != 0)
			return error_set(err, ERR_INPUT,
					 "%s has QEMU %s but %s has %s; set \"version\" for the "
					 "host that may differ",
					 first->host, first->qemu_version, package->host,
					 package->qemu_version);
		first = package;
	}
	return 0;
}

int
lock_check_matrix(const struct lock *lock, const struct matrix *matrix, const char *command,
		  struct error *err)
{
	if (strcmp(lock->name, matrix->name) != 0 || strcmp(lock->version, matrix->version) != 0)
		return error_set(err, ERR_INPUT,
				 "the lock is for %s %s, the matrix for %s %s; run '%s'",
				 lock->name, lock->version, matrix->name, matrix->version, command);
	for (size_t i = 0; i < matrix->host_count; i++)
		if (!host_is_locked(lock, &matrix->hosts[i]))
			return error_set(err, ERR_INPUT,
					 "the lock has no package for %s from source '%s'; run "
					 "'%s'",
					 matrix->hosts[i].arch->name, matrix->hosts[i].source->key,
					 command);
	for (size_t i = 0; i < lock->packages.count; i++)
		if (check_package(&lock->packages.items[i], matrix, command, err) < 0)
			return -1;
	return check_one_version(lock, matrix, err);
}

const struct member *
lock_find_member(const struct lock *lock, const char *host, const char *target,
		 const struct package **ret_package)
{
	for (size_t i = 0; i < lock->packages.count; i++) {
		const struct package *package = &lock->packages.items[i];

		if (strcmp(package->host, host) != 0)
			continue;
		for (size_t j = 0; j < package->member_count; j++) {
			if (strcmp(package->members[j].target, target) != 0)
				continue;
			if (ret_package != NULL)
				*ret_package = package;
			return &package->members[j];
		}
	}
	return NULL;
}

static bool
package_differs(const struct package *a, const struct package *b)
{
	if (strcmp(a->host, b->host) != 0 || strcmp(a->name, b->name) != 0 ||
	    strcmp(a->version, b->version) != 0 || !digest_equal(&a->sha256, &b->sha256) ||
	    a->member_count != b->member_count)
		return true;
	for (size_t i = 0; i < a->member_count; i++)
		if (strcmp(a->members[i].target, b->members[i].target) != 0 ||
		    !digest_equal(&a->members[i].sha256, &b->members[i].sha256))
			return true;
	return false;
}

bool
lock_differs(const struct lock *old, const struct lock *fresh)
{
	if (strcmp(old->version, fresh->version) != 0 ||
	    old->packages.count != fresh->packages.count)
		return true;
	for (size_t i = 0; i < old->packages.count; i++)
		if (package_differs(&old->packages.items[i], &fresh->packages.items[i]))
			return true;
	return false;
}
