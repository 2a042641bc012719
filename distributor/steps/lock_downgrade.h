/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Checks what a new lock must not do silently: go back in version or signing time, or lose a pair.
 */

#include "base/error.h"
#include "matrix/lock.h"

/*
 * Less than, equal to or greater than 0, in the order of the source's distribution: RPM's, or
 * Debian's. A directory's packages are of either; the file's name says which.
 */
int package_version_compare(const struct package *a, const struct package *b);

/*
 * Compares each host's packages in `fresh` with those of the same name in `old` that came from the
 * same kind of source.
 * ERR_VERIFY for an older version or an older signature, with both; a `reason` permits it.
 */
int lock_refuse_downgrade(const struct lock *old, const struct lock *fresh, const char *reason,
			  struct error *err) CHECKED;

/*
 * A pair in the old lock that is missing in the new one, although the matrix still contains it, is
 * ERR_INPUT until it is excluded.
 */
int lock_refuse_lost_pairs(const struct lock *old, const struct lock *fresh,
			   const struct matrix *matrix, struct error *err) CHECKED;
