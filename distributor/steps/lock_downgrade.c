/* SPDX-License-Identifier: MIT */
#include "distributor/steps/lock_downgrade.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "sources/debian/deb_version.h"
#include "sources/rpm/rpm_version.h"

#include <string.h>
#include <time.h>

int
package_version_compare(const struct package *a, const struct package *b)
{
	bool deb = a->type == SOURCE_APT ||
		   (a->type == SOURCE_DIRECTORY && text_ends_with(a->file, ".deb"));

	return deb ? deb_version_compare(a->version, b->version)
		   : rpm_evr_compare(a->version, b->version);
}

/* The name of a source is the matrix' affair: "fedora-44" may have become "fedora-45". */
static const struct package *
find_same(const struct lock *old, const struct package *package)
{
	for (size_t i = 0; i < old->packages.count; i++) {
		const struct package *candidate = &old->packages.items[i];

		if (strcmp(candidate->host, package->host) == 0 &&
		    candidate->type == package->type && strcmp(candidate->name, package->name) == 0)
			return candidate;
	}
	return NULL;
}

static void
format_day(int64_t seconds, char text[32])
{
	time_t time = (time_t)seconds;
	struct tm parts;

	if (gmtime_r(&time, &parts) == NULL ||
	    strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		memcpy(text, "?", 2);
}

static int
check_package(const struct package *before, const struct package *after, struct error *err)
{
	char old_day[32], new_day[32];

	if (package_version_compare(after, before) < 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' for %s would be downgraded from version %s to %s; to allow "
				 "this, use --allow-downgrade REASON",
				 after->name, after->host, before->version, after->version);
	if (after->signed_sec >= before->signed_sec)
		return 0;
	format_day(before->signed_sec, old_day);
	format_day(after->signed_sec, new_day);
	return error_set(
		err, ERR_VERIFY,
		"the signature of '%s' for %s is older than in the lock (%s, now %s): the server "
		"may offer outdated packages; to allow this, use --allow-downgrade REASON",
		after->name, after->host, old_day, new_day);
}

int
lock_refuse_downgrade(const struct lock *old, const struct lock *fresh, const char *reason,
		      struct error *err)
{
	for (size_t i = 0; reason == NULL && i < fresh->packages.count; i++) {
		const struct package *after = &fresh->packages.items[i];
		const struct package *before = find_same(old, after);

		if (before != NULL && check_package(before, after, err) < 0)
			return -1;
	}
	return 0;
}

int
lock_refuse_lost_pairs(const struct lock *old, const struct lock *fresh,
		       const struct matrix *matrix, struct error *err)
{
	for (size_t i = 0; i < old->packages.count; i++) {
		const struct package *package = &old->packages.items[i];

		for (size_t j = 0; j < package->member_count; j++) {
			const char *target = package->members[j].target;

			if (matrix_find_host(matrix, package->host) == NULL ||
			    !matrix_wants_tarball(matrix, package->host, target) ||
			    lock_find_member(fresh, package->host, target, NULL) != NULL)
				continue;
			return error_set(err, ERR_INPUT,
					 "%s on %s was in the last lock but is not in any package "
					 "now; if this is intended, add {\"from\": \"%s\", \"to\": "
					 "\"%s\"} to \"exclude\"",
					 target, package->host, package->host, target);
		}
	}
	return 0;
}
