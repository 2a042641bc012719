/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Versions of releases, "10.2.2-1" or "10.3.0-rc1-1": QEMU's version and our release number.
 */

#include <stdbool.h>

/* Whether the text is such a version. */
bool release_version_is_valid(const char *version);

/*
 * Less than, equal to or greater than 0, as `a` is older than, the same as or newer than `b`. A
 * candidate is older than its final version; 10.2 equals 10.2.0. In a text that is not valid, the
 * rest after the numbers is compared as strverscmp() does.
 */
int release_version_compare(const char *a, const char *b);

/* Whether a tag begins like those of releases: 'v' and a digit. */
bool release_tag_is_version(const char *tag);

/* The order of such tags. Tags of the same version are ordered by their spelling. */
int release_tag_compare(const char *a, const char *b);

/*
 * Whether the release of `tag` becomes the latest by default when `latest` (or NULL: none) is: not
 * if it is older, nor if it is a candidate and the other is not. A name that is not a version is
 * older.
 */
bool release_tag_takes_latest(const char *tag, const char *latest);

/*
 * The version at the end of a name of the form "ANYTHING-VERSION", or the whole name; borrowed.
 * NULL if it does not end in one.
 */
const char *release_version_at_end(const char *name);
