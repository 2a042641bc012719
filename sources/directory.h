/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packages in a directory that a person filled: .rpm and .deb files with a SHA256SUMS beside them.
 */

#include "model/arch.h"
#include "model/package.h"

/*
 * Adds a package to `list` for each .rpm and .deb file in `path` whose own metadata is for `host`;
 * its file name does not matter, and packages for other hosts are skipped. Set are source (to
 * `source`), type, host, name, version, arch, file, size and sha256; there is no URL, since a lock
 * must not contain paths of this machine. Symbolic links, source packages and packages without an
 * architecture are skipped.
 *
 * Every file used must have the sha256 in SHA256SUMS, which is a claim of the list's author, and
 * not a signature.
 *
 * ERR_NOT_FOUND: no such directory, no SHA256SUMS, or no package for the host. ERR_VERIFY: a file
 * that is not listed, or that has another sha256. ERR_INPUT: a malformed package or list, or two
 * versions of one package. ERR_IO. `list` is unchanged then.
 */
int directory_resolve(const char *path, const char *source, const struct arch *host,
		      struct package_list *list, struct error *err) CHECKED;
