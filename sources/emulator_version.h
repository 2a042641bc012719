/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The version that an emulator says of itself, against that of the package it came in.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The version that QEMU was built with, from the text that `qemu-T --version` prints:
 *
 *     "qemu-arm version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"
 *     "qemu-arm version 10.2.2 (qemu-10.2.2-1.fc44)"
 */
struct emulator_version {
	char number[32];   /* "7.2.22" */
	char package[128]; /* "Debian 1:7.2+dfsg-7+deb12u18+b3"; "" if the build says nothing */
};

/* Finds it in the bytes of the program for `target`. ERR_VERIFY if there is none. */
int emulator_read_version(const uint8_t *bytes, size_t size, const char *target,
			  struct emulator_version *ret_version, struct error *err) CHECKED;

/*
 * Compares it with the version of the package that the program came in, in either notation:
 * "[epoch:]upstream-revision".
 *
 *  - "Debian V" has to be the package's version to the letter, a rebuild's "+b3" included, and
 *    "qemu-V-R" the package's without its epoch. Other words say nothing and are passed over.
 *  - The number has to be the package's upstream version, or to go on after it with a dot: Debian
 *    12 packs 7.2.22 as 7.2, for it takes stable updates as patches. A release candidate ("~rc1")
 *    carries a number of QEMU's own: 10.0.91 for 10.1.0~rc1.
 *
 * ERR_VERIFY with both versions.
 */
int emulator_check_version(const struct emulator_version *version, const char *package_version,
			   struct error *err) CHECKED;
