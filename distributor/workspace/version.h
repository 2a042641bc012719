/* SPDX-License-Identifier: MIT */
#pragma once

/* The program's own version, the commit that it was built from, and the versions of its libraries. */

#include "model/tool.h"

const struct tool *version_tool(void);

/* "0.1.0" */
const char *version_program(void);

/* Of that commit, "2026-12-01"; manual pages show it. */
const char *version_date(void);

/* Prints the program's version and one line per library, for --version. */
void version_print(void);
