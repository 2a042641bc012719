/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Package files of any format.
 */

#include "sources/package_reader.h"

/* The two kinds of package files, recognized by their first bytes and not by their names. */
enum package_format { PACKAGE_RPM, PACKAGE_DEB };

/*
 * `label` is the package's name in messages, NULL for that of the file: a cache names its files by
 * digests, which mean nothing to a reader. ERR_NOT_FOUND, ERR_IO, or ERR_INPUT for a file of any
 * other kind.
 */
int package_format_of(const char *path, const char *label, enum package_format *ret_format,
		      struct error *err) CHECKED;

/*
 * Opens the package at `path` and detects its format by its first bytes; the file's name does not
 * matter. `label` as above. Stores the reader in `*ret_reader`, to be freed by the caller.
 *
 * ERR_NOT_FOUND, ERR_IO, ERR_INPUT (neither an .rpm nor a .deb, malformed, or cut short). Every
 * message of this and of the functions below names the package.
 */
int package_reader_open(const char *path, const char *label, struct package_reader **ret_reader,
			struct error *err) CHECKED;
