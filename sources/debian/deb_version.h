/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debian version numbers: "[epoch:]upstream[-revision]" (Debian policy 5.6.12).
 */

#include "base/error.h"

/*
 * Compares two versions in policy's order: negative, 0 or positive as `a` is older than, the same
 * as, or newer than `b`. Any two texts can be compared; deb_version_check() checks whether they are
 * versions.
 */
int deb_version_compare(const char *a, const char *b) CHECKED;

/*
 * ERR_INPUT unless `version` is valid: its characters, a numeric epoch, an upstream part that
 * begins with a digit.
 */
int deb_version_check(const char *version, struct error *err) CHECKED;

/*
 * The upstream part as in QEMU's own release numbers: without epoch, revision, and the suffix that
 * Debian appends when it repacks a tarball. "1:10.0.13+ds-0+deb13u1" is "10.0.13". To be freed by
 * the caller.
 */
char *deb_version_upstream(const char *version) CHECKED;
