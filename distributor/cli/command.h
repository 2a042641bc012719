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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;
struct matrix;
struct lock;

/* Options that mean the same wherever they are accepted; bits of struct command.shared. */
enum {
	SHARED_MATRIX = 1 << 0,  /* --matrix FILE */
	SHARED_LOCK = 1 << 1,    /* --lock FILE */
	SHARED_OUT = 1 << 2,     /* --out DIR */
	SHARED_CACHE = 1 << 3,   /* --cache DIR */
	SHARED_KEYS = 1 << 4,    /* --keys DIR */
	SHARED_HOST = 1 << 5,    /* --host H, repeatable */
	SHARED_JOBS = 1 << 6,    /* --jobs N */
	SHARED_OFFLINE = 1 << 7, /* --offline */
};

#define DEFAULT_MATRIX "matrix/qemu-user-static.json"
#define DEFAULT_OUT    "out"
#define DEFAULT_KEYS   "keys"

/* The values of the shared options, and the progress display. Strings are borrowed from argv. */
struct app {
	const char *program; /* as it was called, if that says where it is; else its name */
	const char *matrix_path;
	const char *lock_path; /* NULL: beside the matrix, see app_lock_path() */
	const char *out;
	const char *cache; /* NULL: $XDG_CACHE_HOME/distributor */
	const char *keys;
	struct text_list hosts; /* empty: all */
	uint64_t jobs;          /* at least 1 */
	bool offline;
	bool json;
	bool quiet;
	bool verbose;
	struct progress *progress; /* owned by main() */
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

/* The matrix that is read where --matrix names none; and whether it names one. */
const char *app_default_matrix(void);
bool app_names_matrix(const struct app *app);

/* The path of the lock: --lock, or NAME.lock.json beside NAME.json. To be freed by the caller. */
char *app_lock_path(const struct app *app) CHECKED;

/*
 * Another matrix beside this one that has its lock and is without Fedora ("matrix/debian.json"), to
 * be freed by the caller, or NULL.
 */
char *app_ready_matrix(const struct app *app) CHECKED;

/*
 * A command to advise, with those of --matrix, --lock, --out and --cache that were given and are in
 * `shared`: "distributor lock --matrix m.json". To be freed by the caller.
 */
char *app_command(const struct app *app, const char *name, unsigned int shared) CHECKED;

/* Whether --host names this host, or no --host was given. */
bool app_wants_host(const struct app *app, const char *host);

/* Refuses a --host that the matrix does not have. ERR_USAGE, with the one that may be meant. */
int app_check_hosts(const struct app *app, const struct matrix *matrix, struct error *err) CHECKED;

/*
 * Reads matrix and lock, and checks that they belong together and have what --host names. The
 * sentences say how to make the lock. ERR_USAGE, ERR_NOT_FOUND, ERR_INPUT, ERR_IO.
 */
int app_load(const struct app *app, struct matrix *ret_matrix, struct lock *ret_lock,
	     struct error *err) CHECKED;

/* Prints a result document on standard output and frees it. */
struct json_t;
void app_print_json(struct json_t *document);

/* Says what a server is waited for: the `notice` of struct http_options. */
void app_notice(void *context, const char *sentence);

/* A sentence of folders that do not print. */
void app_warn(const char *sentence);
