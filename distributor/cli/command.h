/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a command is, and what all of them share.
 *
 * A new command is a new file commands/NAME.c with one `const struct command`, and one line in the
 * table of commands. Its help is made from the tables.
 */

#include "base/error.h"
#include "distributor/cli/options.h"
#include "distributor/workspace/workspace.h"

#include <stdbool.h>

/* What main() read from the command line. Only commands print, so only they see how. */
struct app {
	struct workspace work;
	bool json;
	bool quiet;
	bool verbose;
};

struct command {
	const char *name;
	const char *args;                  /* "[OPTION]... DIR", for the usage line; may be "" */
	const char *summary;               /* one line, lower case, no full stop */
	const char *description;           /* paragraphs for --help; may be NULL */
	const char *examples;              /* indented lines for --help; may be NULL */
	const struct option_spec *options; /* its own, ends with a NULL name; may be NULL */
	unsigned int shared;
	int min_args;
	int max_args; /* -1: any number */
	int (*run)(struct app *app, int argc, char **argv, struct error *err);
};

/* Prints a result document on standard output and frees it. */
struct json_t;
void app_print_json(struct json_t *document);
