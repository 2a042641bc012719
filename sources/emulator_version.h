/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Compares an emulator's own version with that of its package.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The version built into QEMU, from the text that `qemu-T --version` prints:
 *
 *     "qemu-arm version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"
 *     "qemu-arm version 10.2.2 (qemu-10.2.2-1.fc44)"
 */
struct emulator_version {
	char number[32];   /* "7.2.22" */
	char package[128]; /* "Debian 1:7.2+dfsg-7+deb12u18+b3"; "" if the build has none */
};

/* Finds it in the bytes of the program for `target`. ERR_VERIFY if there is none. */
int emulator_read_version(const uint8_t *bytes, size_t size, const char *target,
			  struct emulator_version *ret_version, struct error *err) CHECKED;

/*
 * Compares it with the version of the program's package, in either notation:
 * "[epoch:]upstream-revision".
 *
 *  - "Debian V" must be exactly the package's version, a rebuild's "+b3" included, and
 *    "qemu-V-R" the package's without its epoch. Other words are ignored.
 *  - The number must be the package's upstream version, or continue it after a dot: Debian
 *    12 packages 7.2.22 as 7.2, since it applies stable updates as patches. A release candidate
 *    ("~rc1") has QEMU's own number: 10.0.91 for 10.1.0~rc1.
 *
 * ERR_VERIFY with both versions.
 */
int emulator_check_version(const struct emulator_version *version, const char *package_version,
			   struct error *err) CHECKED;
