/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Secrets: memory that is locked and wiped, and the ways to read a secret.
 *
 * A secret comes from a file, a descriptor or the environment, never from the command line.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes in the secure heap. The text is terminated. */
struct secret {
	char *bytes; /* owned; NULL for none */
	size_t length;
};

#define SECRET_INIT {NULL, 0}

/*
 * Prepares the process for secrets, once: the secure heap, no core dumps, no access by other
 * processes of the same user. Called by every function here that returns a secret. ERR_IO.
 */
int secret_prepare(struct error *err) CHECKED;

/* Wipes and frees. */
void secret_clear(struct secret *secret);

/* A zeroed secret of `length` bytes. Prepares the process. ERR_IO. */
int secret_alloc(size_t length, struct secret *ret_secret, struct error *err) CHECKED;

/*
 * Reads a file of at most `max_bytes`. It must be a regular file, not a symbolic link, owned by
 * this user or root, and inaccessible to others (mode 0600 or stricter). ERR_NOT_FOUND, ERR_IO,
 * ERR_INPUT.
 */
int secret_read_file(const char *path, size_t max_bytes, struct secret *ret_secret,
		     struct error *err) CHECKED;

/* Reads a descriptor (a pipe, a file) to its end, and closes it. ERR_IO, ERR_INPUT. */
int secret_read_fd(int fd, size_t max_bytes, struct secret *ret_secret, struct error *err) CHECKED;

/*
 * Takes the value of an environment variable: it is copied, overwritten in the process' environment
 * (unsetenv() alone leaves it in /proc/PID/environ), and unset. ERR_NOT_FOUND if it is unset or
 * empty.
 */
int secret_take_environment(const char *name, struct secret *ret_secret, struct error *err) CHECKED;

/* Removes one trailing line end, which editors and pipes add. */
void secret_trim_line(struct secret *secret);
