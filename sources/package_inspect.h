/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Looks through one package of either format once: which it is, which emulators it has, and
 * whether they are what they should be.
 */

#include "model/arch.h"
#include "model/package.h"
#include "sources/emulators.h"

/*
 * Checks the package at `path`, which has been verified, and fills in its members and
 * qemu_version, as emulators_inspect() does.
 *
 * A .deb's control file also fills name, version, arch, source_package and built_using; what the
 * caller has set of name, version and arch, and `host`, have to agree. A .deb has to have
 * emulators. For an .rpm the caller has set at least the version; it may have no emulators.
 *
 * If `*package` has members already, as from a lock, the ones found have to be the same, and so
 * does the QEMU version.
 *
 * ERR_VERIFY with the member's name and the reason, ERR_INPUT for a malformed package, ERR_IO.
 * `*package` is unchanged then.
 */
int package_inspect(const char *path, const struct arch *host, struct package *package,
		    const struct package_warnings *warnings, struct error *err) CHECKED;
