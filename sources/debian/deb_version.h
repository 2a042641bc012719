/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debian version numbers: "[epoch:]upstream[-revision]" (Debian policy 5.6.12).
 */

#include "base/error.h"

/*
 * Compares two versions in policy's order: negative, 0 or positive as `a` is older than, the same
 * as, or newer than `b`. Any two texts can be compared; deb_version_check() says whether they are
 * versions at all.
 */
int deb_version_compare(const char *a, const char *b) CHECKED;

/* ERR_INPUT unless `version` is one: characters, epoch a number, upstream begins with a digit. */
int deb_version_check(const char *version, struct error *err) CHECKED;

/*
 * The upstream part as QEMU's own releases are numbered: no epoch, no revision, and without what
 * Debian appends when it repacks a tarball. "1:10.0.13+ds-0+deb13u1" is "10.0.13". To be freed by
 * the caller.
 */
char *deb_version_upstream(const char *version) CHECKED;
