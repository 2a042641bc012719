/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads everything that the lock has about one RPM package from the file itself.
 */

#include "model/arch.h"
#include "model/package.h"
#include "sources/package_inspect.h"
#include "sources/rpm/openpgp.h"

/*
 * Verifies the package file at `path` (rpm_verify.h), inspects its emulators (package_inspect.h)
 * and fills `package`: size, sha256, header_sha256, signer, signed_sec, license, source_package,
 * members and qemu_version. Name, version, arch, size, sha256 and members that `package` already
 * has must match (NULL and zero match anything); the others are filled in. The architecture must
 * always be that of `host`.
 *
 * A package without emulators gets no members and no qemu_version; that is not an error here.
 * Errors of rpm_verify() and package_inspect(); then `package` may be half filled.
 */
int rpm_describe(const char *path, struct openpgp_keyring *ring, const struct arch *host,
		 struct package *package, const struct package_warnings *warnings,
		 struct error *err) CHECKED;
