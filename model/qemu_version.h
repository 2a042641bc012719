/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * QEMU's versions, in the one spelling that a matrix, a lock and a release have.
 *
 * "10.2.2", or "10.2" where the patch level is open. The third release candidate of 10.1 is
 * "10.1-rc3": its tag is v10.1.0-rc3, packages of it are 10.1.0~rc3, and its programs call
 * themselves 10.0.93. A first release of a year has a number that goes on after the last of the
 * year before: 10.0-rc1 is 9.2.91.
 */

#include "base/cleanup.h"

#include <stdbool.h>

/* Whether it is in that spelling. */
bool qemu_version_is_valid(const char *version);

/* Whether the version, in that spelling, is a release candidate. */
bool qemu_version_is_candidate(const char *version);

/*
 * A release candidate, in any of the forms above, in the one spelling; anything else as it is. To be
 * freed by the caller.
 */
char *qemu_version_plain(const char *version) CHECKED;

/*
 * Whether `version` is the `stated` one or, where that leaves the patch level open, one of it:
 * "10.2.2" is a "10.2". Both in that spelling.
 */
bool qemu_version_matches(const char *stated, const char *version);
