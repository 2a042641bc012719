/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Command line options from a table, over getopt_long().
 */

#include "base/cleanup.h"
#include "base/error.h"
#include "base/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_FLAG,   /* target: bool */
	OPTION_TEXT,   /* target: const char * */
	OPTION_NUMBER, /* target: uint64_t */
	OPTION_LIST,   /* target: struct text_list, repeatable */
};

/*
 * Added to a type: help, manual and completion leave the option out. It is for workflows and tests;
 * docs/maintainers.md explains it.
 */
enum { OPTION_HIDDEN = 1 << 8 };

/* As many options as a command may have, the shared ones included. */
enum { OPTIONS_MAX = 64 };

struct option_spec {
	const char *name; /* long name without the dashes */
	char letter;      /* '\0' for none */
	/*
	 * The name of its argument in the help; NULL for a flag. Names in capitals are
	 * placeholders: FILE and DIR for paths, HOST and TARGET for architectures. Words in lower
	 * case are the accepted values: "table|json". Shells complete it accordingly.
	 */
	const char *argument;
	unsigned int type; /* enum option_type, with OPTION_HIDDEN or without */
	void *target;
	const char *help;
};

/*
 * Reads the options of `table` (at most OPTIONS_MAX, ended by a NULL name) from argv[1...];
 * operands may stand between them and are moved to the front, after argv[0]. Returns the number of
 * operands, or -1 with ERR_USAGE.
 */
int
options_parse(const struct option_spec *table, int argc, char **argv, struct error *err) CHECKED;

/* Prints one line or more for each option of a table that is not hidden, in columns. */
void options_print(const struct option_spec *table);
