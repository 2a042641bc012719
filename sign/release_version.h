#pragma once

/*
 * Versions of releases, "10.2.2-1" or "10.3.0-rc1-1": QEMU's and the number of our release of it.
 */

#include <stdbool.h>

/* Whether the text is such a version. */
bool release_version_is_valid(const char *version);

/*
 * Less than, equal to or greater than 0, as `a` is older than, the same as or newer than `b`. Both
 * have to be valid. A candidate is older than what it is a candidate of; 10.2 is 10.2.0.
 */
int release_version_compare(const char *a, const char *b);

/*
 * The version at the end of a name of the form "ANYTHING-VERSION", or the whole name; borrowed.
 * NULL if it does not end in one.
 */
const char *release_version_at_end(const char *name);
