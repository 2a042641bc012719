/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Files that are complete under their name or not there, and small reading helpers.
 */

#include "base/digest.h"
#include "base/error.h"

#include <stdio.h>
#include <sys/types.h>

/*
 * A file under construction, in the directory of its final name, called `.NAME.XXXXXX.tmp`.
 *
 *     AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
 *     if (tempfile_open(&tmp, path, 0644, err) < 0) ...
 *     write to tmp.fd
 *     return tempfile_commit(&tmp, err);
 */
struct tempfile {
	int fd; /* for writing and reading; owned */
	char *path;
	char *temporary_path;
};

#define TEMPFILE_INIT {-1, NULL, NULL}

/* `mode` is what the file will have, whatever the umask says. ERR_IO. */
int tempfile_open(struct tempfile *tmp, const char *path, mode_t mode, struct error *err) CHECKED;

/* Renames it to its final name, replacing what was there in one step. ERR_IO; then it is gone. */
int tempfile_commit(struct tempfile *tmp, struct error *err) CHECKED;

/* The same after fsync() of file and directory: for what nobody could make again (locks, keys). */
int tempfile_commit_durable(struct tempfile *tmp, struct error *err) CHECKED;

/*
 * The same for a name that has to be new: a file that is there is never replaced. ERR_BUSY if there
 * is one, ERR_IO.
 */
int tempfile_commit_new(struct tempfile *tmp, struct error *err) CHECKED;

/* Removes it unless it was committed. */
void tempfile_discard(struct tempfile *tmp);

/* Removes the `.*.tmp` files that killed runs have left in a directory. Only under its lock. */
void tempfile_sweep(const char *directory);

/* Writes all bytes or fails with ERR_IO; `name` is for the message. */
int
write_all(int fd, const void *bytes, size_t length, const char *name, struct error *err) CHECKED;

/* Reads exactly `length` bytes at an offset; ERR_INPUT if the file ends before, ERR_IO. */
int read_at(int fd, uint64_t offset, void *bytes, size_t length, const char *name,
	    struct error *err) CHECKED;

/* A complete small file in one call, through a tempfile. */
int write_file(const char *path, const void *bytes, size_t length, mode_t mode,
	       struct error *err) CHECKED;

/*
 * Makes a new directory in $TMPDIR or /tmp, for this user alone; its name begins with `name`. The
 * path is absolute, without symbolic links, and to be freed by the caller, who removes the
 * directory. ERR_IO.
 */
int temporary_directory(const char *name, char **ret_path, struct error *err) CHECKED;

/*
 * Opens a file without a name in $TMPDIR or /tmp, for reading and writing; it is gone when it is
 * closed. Returns the descriptor, or -1: ERR_IO.
 */
int nameless_file(struct error *err) CHECKED;

/*
 * Reads a whole regular file of at most `max_bytes`. The text is terminated; `ret_length` may be
 * NULL. To be freed by the caller. ERR_NOT_FOUND, ERR_IO, ERR_INPUT (larger, or not regular).
 */
int read_file(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct error *err) CHECKED;

/*
 * Whether there is something of this name, a broken link too. ERR_IO when that cannot be found out:
 * what cannot be looked at is not missing.
 */
int path_exists(const char *path, bool *ret_there, struct error *err) CHECKED;

/* Whether it is a directory, or a link to one. False for what is missing; ERR_IO as above. */
int path_is_directory(const char *path, bool *ret_directory, struct error *err) CHECKED;

/*
 * The absolute path without links, to be freed by the caller; NULL when it leads to nothing. ERR_IO
 * when that cannot be found out.
 */
int path_real(const char *path, char **ret_real, struct error *err) CHECKED;

/* The absolute path of what may be missing, links not followed; to be freed by the caller. ERR_IO. */
int path_absolute(const char *path, char **ret_absolute, struct error *err) CHECKED;

/*
 * Makes a directory with its parents (mode 0777 less the umask). An existing one is fine.
 * ERR_INPUT if it or a parent is a file, ERR_IO.
 */
int make_directories(const char *path, struct error *err) CHECKED;

/* Removes a tree, never crossing into another file system. What cannot be removed stays. */
void remove_tree(const char *path);

/*
 * Takes an exclusive lock on the file `path`, which is made when missing. With `wait` false a
 * lock held by another process is ERR_BUSY; else it is waited for, or ERR_INTERRUPTED. Returns the
 * descriptor that holds the lock until it is closed, or -1.
 */
int lock_file(const char *path, bool wait, struct error *err) CHECKED;

/* "DIRECTORY/NAME", to be freed by the caller. */
char *path_join(const char *directory, const char *name) CHECKED;

/* The part of a path after its last '/', borrowed. */
const char *path_base(const char *path);

/* The directory of a path, "." if it has none, to be freed by the caller. */
char *path_directory(const char *path) CHECKED;

/*
 * The part of a path below the directory `root`, to be freed by the caller; NULL when it is not below.
 * Links are followed in the directories, and the file itself may be gone. ERR_IO when that cannot be
 * found out.
 */
int path_inside(const char *root, const char *path, char **ret_inside, struct error *err) CHECKED;

/*
 * True for a name that is safe as a file, an asset and an OCI word: [A-Za-z0-9._-], no leading '.'
 * or '-'.
 */
bool name_is_plain(const char *name);
