/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files of an RPM package, streamed from its payload (package_reader.h).
 */

#include "sources/package_reader.h"

/*
 * A package_reader for the RPM package at `path`. Names, types, modes, sizes and digests are those
 * of the main header, which the signature covers; a payload that differs is ERR_INPUT. Ghost files,
 * which have no data, are skipped.
 */
int rpm_reader_open(const char *path, const char *label, struct package_reader **ret_reader,
		    struct error *err) CHECKED;
