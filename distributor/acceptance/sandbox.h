/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A private environment to register programs in: a child process in a new user and mount namespace,
 * with a private binfmt_misc.
 *
 * Each user namespace can have its own binfmt_misc since Linux 6.7. It is mounted without a path
 * first and checked: nothing is written unless it is certainly new.
 */

#include "base/error.h"

#include <stdbool.h>

#define BINFMT_PATH "/proc/sys/fs/binfmt_misc"

struct sandbox {
	int binfmt;           /* the directory of the private binfmt_misc; -1: there is none */
	struct error why_not; /* then the reason */
};

/*
 * Calls run(sandbox, context, err) in a child process, and returns what it returned, with its
 * error. Standard output is shared; changes in memory are lost. If a sandbox is not possible, `run`
 * is called anyway, and the sandbox contains the reason.
 */
int sandbox_run(int (*run)(const struct sandbox *sandbox, void *context, struct error *err),
		void *context, struct error *err) CHECKED;

/*
 * Writes a text to a file of the private binfmt_misc ("register", "status", an entry), in one
 * write(). ERR_IO.
 */
int sandbox_write(const struct sandbox *sandbox, const char *file, const char *text,
		  struct error *err) CHECKED;

/*
 * The text of an entry, to be freed by the caller. ERR_NOT_FOUND if there is none of this name,
 * ERR_IO.
 */
int sandbox_read(const struct sandbox *sandbox, const char *entry, char **ret_text,
		 struct error *err) CHECKED;
