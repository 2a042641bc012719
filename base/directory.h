/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The names in a directory: all of them, or an error.
 *
 * `readdir` returns NULL at the end as well as on a failure. Only this module calls it
 * (tests/system/rules.sh), so that a directory which cannot be read is never taken for an empty one.
 */

#include "base/error.h"
#include "base/words.h"

/*
 * The names in the directory `path` without "." and "..", sorted as strcmp() does. `ret_names` is
 * written only when the directory was read to its end. ERR_NOT_FOUND, ERR_IO.
 */
int directory_names(const char *path, struct words *ret_names, struct error *err) CHECKED;

/* The same for the open directory `fd`, which is left alone. `name` is for messages. ERR_IO. */
int
directory_names_at(int fd, const char *name, struct words *ret_names, struct error *err) CHECKED;
