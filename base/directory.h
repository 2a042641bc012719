/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lists a directory: all names, or an error.
 *
 * `readdir` returns NULL at the end as well as on a failure. Only this module calls it
 * (tests/system/rules.sh), so that an unreadable directory is never mistaken for an empty one.
 */

#include "base/error.h"
#include "base/words.h"

/*
 * The names in the directory `path` without "." and "..", sorted as strcmp() does. `ret_names` is
 * written only after the whole directory was read. ERR_NOT_FOUND, ERR_IO.
 */
int directory_names(const char *path, struct words *ret_names, struct error *err) CHECKED;

/* The same for the open directory `fd`, which stays open. `name` is for messages. ERR_IO. */
int
directory_names_at(int fd, const char *name, struct words *ret_names, struct error *err) CHECKED;
