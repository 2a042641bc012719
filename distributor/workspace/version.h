/* SPDX-License-Identifier: MIT */
#pragma once

/* The program's own version, "0.1.0", and those of its libraries. */

const char *version_program(void);

/* Prints the program's version and one line per library, for --version. */
void version_print(void);
