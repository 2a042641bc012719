/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads one package of either format once: what it is, which emulators it has, and whether they are
 * valid.
 */

#include "model/arch.h"
#include "model/package.h"
#include "sources/emulators.h"

/*
 * Checks the package at `path`, which has been verified, and fills in its members and
 * qemu_version, as emulators_inspect() does.
 *
 * A .deb's control file also fills name, version, arch, source_package and built_using; name,
 * version and arch, where the caller has set them, and `host` must match. A .deb must have
 * emulators. For an .rpm the caller has set at least the version; it may have no emulators.
 *
 * If `*package` already has members, for example from a lock, the members found and the QEMU
 * version must be the same.
 *
 * ERR_VERIFY with the member's name and the reason, ERR_INPUT for a malformed package, ERR_IO.
 * `*package` is unchanged then.
 */
int package_inspect(const char *path, const struct arch *host, struct package *package,
		    const struct package_warnings *warnings, struct error *err) CHECKED;
