/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The order of RPM versions, as in rpm itself.
 */

/*
 * Compares two versions or two releases: runs of digits as numbers, runs of letters as text, digits
 * after letters, '~' before the end, '^' after it. Less than, equal to or greater than 0.
 */
int rpm_version_compare(const char *a, const char *b);

/*
 * Compares two texts of the form [epoch:]version-release; a missing epoch is 0. A part that one of
 * them lacks is not compared.
 */
int rpm_evr_compare(const char *a, const char *b);
