/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where another program is. A name is looked up in the directories of PATH that are absolute: an
 * empty one, or ".", would run what lies in the current directory, which others may have filled.
 */

#include "base/cleanup.h"
#include "base/error.h"

/*
 * Stores the absolute path of the program, to be freed by the caller. A name with a '/' has to be
 * absolute and is taken as it is: whoever runs it sees whether it is there. ERR_NOT_FOUND if no
 * directory has an executable file of that name, ERR_INPUT for a relative path.
 */
int program_find(const char *name, char **ret_path, struct error *err) CHECKED;

/*
 * The directories of PATH that are absolute, for the environment of a program that runs others; to
 * be freed by the caller.
 */
char *program_search_path(void) CHECKED;
