/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The same file under another name.
 */

#include "base/error.h"

/*
 * Makes `path` the same file as `from`: a hard link, or where the file system has none a clone or
 * a copy. What was there is replaced in one step. ERR_IO.
 */
int link_or_copy(const char *from, const char *path, struct error *err) CHECKED;
