/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a run works: the matrix and its lock, OUT, the cache, the directory of public keys.
 * Of keys there are paths here, never a secret.
 */

#include "base/error.h"
#include "base/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;
struct seen_files;
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

/*
 * The values of the shared options, and what they lead to once it was loaded, which all steps take
 * from here. Strings are borrowed from argv.
 */
struct workspace {
	const char *program; /* as it was called, if that says where it is; else its name */
	const char *matrix_path;
	const char *lock_path; /* NULL: beside the matrix, see workspace_lock_path() */
	const char *out;
	const char *cache; /* NULL: $XDG_CACHE_HOME/distributor */
	const char *keys;
	struct text_list hosts; /* empty: all */
	uint64_t jobs;          /* at least 1 */
	bool offline;
	bool made_again; /* a release that exists, with its time `epoch_sec` */
	int64_t epoch_sec;
	struct progress *progress; /* owned by main() */
	struct seen_files *seen;   /* of OUT and where it is published; owned by main() */

	/* Owned; NULL until they are loaded. */
	struct matrix *matrix;
	struct lock *lock;
	char *lock_text; /* as it was read */
	size_t lock_length;
};

/* Frees what was loaded. */
void workspace_clear(struct workspace *work);

/* The matrix that is read where --matrix names none; and whether it names one. */
const char *workspace_default_matrix(void);
bool workspace_names_matrix(const struct workspace *work);

/* The path of the lock: --lock, or NAME.lock.json beside NAME.json. To be freed by the caller. */
char *workspace_lock_path(const struct workspace *work) CHECKED;

/*
 * Another matrix beside this one that has its lock and is without Fedora ("matrix/debian.json"), to
 * be freed by the caller, or NULL.
 */
char *workspace_ready_matrix(const struct workspace *work) CHECKED;

/*
 * A command to advise, with those of --matrix, --lock, --out and --cache that were given and are in
 * `shared`: "distributor lock --matrix m.json". To be freed by the caller.
 */
char *
workspace_command(const struct workspace *work, const char *name, unsigned int shared) CHECKED;

/* Whether --host names this host, or no --host was given. */
bool workspace_wants_host(const struct workspace *work, const char *host);

/* Refuses a --host that the matrix does not have. ERR_USAGE, with the one that may be meant. */
int workspace_check_hosts(const struct workspace *work, const struct matrix *matrix,
			  struct error *err) CHECKED;

/*
 * Reads matrix and lock, each unless it is loaded, and checks that they belong together and have
 * what --host names. The sentences say how to make the lock. ERR_USAGE, ERR_NOT_FOUND, ERR_INPUT,
 * ERR_IO.
 */
int workspace_load(struct workspace *work, struct error *err) CHECKED;

/* The matrix alone. */
int workspace_load_matrix(struct workspace *work, struct error *err) CHECKED;

/* Says what a server is waited for: the `notice` of struct http_options. */
void notice_info(void *context, const char *sentence);

/* A sentence of folders that do not print. */
void notice_warning(const char *sentence);
