/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finds another program. A name is looked up in the absolute directories of PATH only: an empty
 * entry, or ".", would run a file of the current directory, which others may be able to write.
 */

#include "base/cleanup.h"
#include "base/error.h"

/*
 * Stores the absolute path of the program, to be freed by the caller. A name with a '/' must be
 * absolute and is returned unchecked: running it shows whether it exists. ERR_NOT_FOUND if no
 * directory has an executable file of that name, ERR_INPUT for a relative path.
 */
int program_find(const char *name, char **ret_path, struct error *err) CHECKED;

/*
 * The absolute directories of PATH, for the environment of a program that runs others; to be freed
 * by the caller.
 */
char *program_search_path(void) CHECKED;
