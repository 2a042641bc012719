/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Commands, and the options that several of them take: what help and manual are made from. Which
 * commands there are stands in distributor/commands/table.c.
 */

#include "distributor/cli/command.h"

/* Every command of the program, in the order of a release. */
struct command_table {
	const struct command *const *items;
	size_t count;
};

/* The command of exactly this name, or NULL. */
const struct command *command_find(const struct command_table *table, const char *name);

/* The name of the command closest to a mistyped one, or NULL. */
const char *command_suggest(const struct command_table *table, const char *name);

/* "distributor COMMAND [OPTION]... ARGS", to be freed by the caller. */
char *command_usage(const struct command *command) CHECKED;

/*
 * All options of a command: its own, the shared ones that it accepts, and those that every command
 * has. The latter two set members of `app`, --help sets `help`. Returns how many they are; a NULL
 * name ends them.
 */
size_t command_options(const struct command *command, struct app *app, bool *help,
		       struct option_spec ret_table[OPTIONS_MAX + 1]);

/*
 * The same for those who only describe them, without hidden ones: nothing may be parsed with this
 * table.
 */
size_t command_describe_options(const struct command *command,
				struct option_spec ret_table[OPTIONS_MAX + 1]);
