/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The manual, in the man(7) macros of roff, generated from the same tables as --help: a page
 * "distributor" in section 1, and a page "distributor-COMMAND" for each command.
 */

#include "base/strbuf.h"

struct command;
struct command_table;

/* `date` is that of the program's commit, "2026-12-01". Both append to `page`. */
void manual_program(const struct command_table *table, const char *date, struct strbuf *page);
void manual_command(const struct command *command, const char *date, struct strbuf *page);
