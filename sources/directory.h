/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packages that a person has put into a directory: .rpm and .deb files with a SHA256SUMS beside
 * them.
 */

#include "model/arch.h"
#include "model/package.h"

/*
 * Adds a package to `list` for each .rpm and .deb file in `path` that is for `host` by what the
 * package itself says; its file name does not matter, and packages for other hosts are left alone.
 * Set are source (to `source`), type, host, name, version, arch, file, size and sha256; there is
 * no URL, since a lock is no place for a path of this machine. Symbolic links, sources and packages
 * without an architecture are passed over.
 *
 * Every file that is taken has to have the sha256 that SHA256SUMS says, which is a promise of who
 * made that list, and not a signature.
 *
 * ERR_NOT_FOUND: no such directory, no SHA256SUMS, or no package for the host. ERR_VERIFY: a file
 * that is not listed, or with another sha256. ERR_INPUT: a malformed package or list, or two
 * versions of one package. ERR_IO. `list` is unchanged then.
 */
int directory_resolve(const char *path, const char *source, const struct arch *host,
		      struct package_list *list, struct error *err) CHECKED;
