/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads Debian packages: their control file, and a stream of their files.
 *
 *     ar archive:  debian-binary    "2.0\n"
 *                  control.tar.*    with ./control
 *                  data.tar.*       the files, as "./usr/bin/..."
 *
 * in this order; parts whose names begin with '_' are skipped. The tar archives are uncompressed or
 * compressed with gzip, bzip2, lzma, xz or zstd, according to their names.
 */

#include "sources/debian/deb822.h"
#include "sources/package_reader.h"

/*
 * Reads the control file of the package at `path`, of at most 1 MiB; `label` is its name in
 * messages, NULL for that of the file. ERR_NOT_FOUND, ERR_IO, or ERR_INPUT for a file that is not
 * such a package or is malformed.
 */
int deb_read_control(const char *path, const char *label, struct deb822 *ret_control,
		     struct error *err) CHECKED;

/*
 * A package_reader over the files of the package at `path`. A package that is cut short, has its
 * parts in another order, or has more than 50000 files or 8 GiB is ERR_INPUT.
 */
int deb_reader_open(const char *path, const char *label, struct package_reader **ret_reader,
		    struct error *err) CHECKED;
