/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * QEMU's versions, in the one spelling that matrix, lock and release use.
 *
 * "10.2.2", or "10.2" where the patch level is open. The third release candidate of 10.1 is
 * "10.1-rc3": its tag is v10.1.0-rc3, its packages have 10.1.0~rc3, and its programs print 10.0.93.
 * The candidates of a year's first release count on from the last release of the year before:
 * 10.0-rc1 is 9.2.91.
 */

#include "base/cleanup.h"

#include <stdbool.h>

/* Whether it is in that spelling. */
bool qemu_version_is_valid(const char *version);

/* Whether the version, in that spelling, is a release candidate. */
bool qemu_version_is_candidate(const char *version);

/*
 * Converts a release candidate in any of these forms to the one spelling and copies anything else.
 * To be freed by the caller.
 */
char *qemu_version_plain(const char *version) CHECKED;

/*
 * Whether `version` equals `stated` or, where `stated` has no patch level, belongs to it: "10.2.2"
 * is a "10.2". Both in that spelling.
 */
bool qemu_version_matches(const char *stated, const char *version);
