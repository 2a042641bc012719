/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Versions of releases, "10.2.2-1" or "10.3.0-rc1-1": QEMU's and the number of our release of it.
 */

#include <stdbool.h>

/* Whether the text is such a version. */
bool release_version_is_valid(const char *version);

/*
 * Less than, equal to or greater than 0, as `a` is older than, the same as or newer than `b`. A
 * candidate is older than what it is a candidate of; 10.2 is 10.2.0. What else stands behind the
 * numbers, in a text that is not valid, is compared as strverscmp() does.
 */
int release_version_compare(const char *a, const char *b);

/* Whether a tag begins as those of releases do: 'v' and a digit. */
bool release_tag_is_version(const char *tag);

/* The order of such tags. Of two of the same version one is always the older one, by its spelling. */
int release_tag_compare(const char *a, const char *b);

/*
 * Whether the release of `tag` becomes the latest by itself where that is `latest` now, or NULL: not
 * if it is older, nor if it is a candidate and the other is not. A name that is no version is older.
 */
bool release_tag_takes_latest(const char *tag, const char *latest);

/*
 * The version at the end of a name of the form "ANYTHING-VERSION", or the whole name; borrowed.
 * NULL if it does not end in one.
 */
const char *release_version_at_end(const char *name);
