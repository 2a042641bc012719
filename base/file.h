/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Files that are complete under their name or missing, and small helpers for reading.
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

/* The file gets exactly `mode`, regardless of the umask. ERR_IO. */
int tempfile_open(struct tempfile *tmp, const char *path, mode_t mode, struct error *err) CHECKED;

/*
 * Renames it to its final name, replacing an existing file atomically. On ERR_IO the file is
 * removed.
 */
int tempfile_commit(struct tempfile *tmp, struct error *err) CHECKED;

/* The same with fsync() of file and directory: for what cannot be made again (locks, keys). */
int tempfile_commit_durable(struct tempfile *tmp, struct error *err) CHECKED;

/*
 * The same, but never replaces an existing file. ERR_BUSY if one exists, ERR_IO.
 */
int tempfile_commit_new(struct tempfile *tmp, struct error *err) CHECKED;

/* Removes it unless it was committed. */
void tempfile_discard(struct tempfile *tmp);

/* Removes the `.*.tmp` files that killed runs left in a directory. The caller holds its lock. */
void tempfile_sweep(const char *directory);

/* Writes all bytes or fails with ERR_IO; `name` is for messages. */
int
write_all(int fd, const void *bytes, size_t length, const char *name, struct error *err) CHECKED;

/* Reads exactly `length` bytes at an offset; ERR_INPUT if the file ends before that, ERR_IO. */
int read_at(int fd, uint64_t offset, void *bytes, size_t length, const char *name,
	    struct error *err) CHECKED;

/* Writes a small file in one call, through a tempfile. */
int write_file(const char *path, const void *bytes, size_t length, mode_t mode,
	       struct error *err) CHECKED;

/*
 * Creates a new directory in $TMPDIR or /tmp that only this user can access; its name begins with
 * `name`. The path is absolute, without symbolic links, and to be freed by the caller, who removes
 * the directory. ERR_IO.
 */
int temporary_directory(const char *name, char **ret_path, struct error *err) CHECKED;

/*
 * Opens an unnamed file in $TMPDIR or /tmp for reading and writing; closing it deletes it. Returns
 * the descriptor, or -1: ERR_IO.
 */
int nameless_file(struct error *err) CHECKED;

/*
 * Reads a whole regular file of at most `max_bytes`. The text is terminated; `ret_length` may be
 * NULL. To be freed by the caller. ERR_NOT_FOUND, ERR_IO, ERR_INPUT (larger, or not regular).
 */
int read_file(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	      struct error *err) CHECKED;

/*
 * Whether `path` exists; a broken link does. ERR_IO when that cannot be determined: a path that
 * cannot be accessed is not missing.
 */
int path_exists(const char *path, bool *ret_there, struct error *err) CHECKED;

/* Whether `path` is a directory, or a link to one. False if it is missing; ERR_IO as above. */
int path_is_directory(const char *path, bool *ret_directory, struct error *err) CHECKED;

/*
 * The absolute path without links, to be freed by the caller; NULL when nothing exists there.
 * ERR_IO when that cannot be determined.
 */
int path_real(const char *path, char **ret_real, struct error *err) CHECKED;

/* The absolute path, existing or not, links not followed; to be freed by the caller. ERR_IO. */
int path_absolute(const char *path, char **ret_absolute, struct error *err) CHECKED;

/*
 * Creates a directory and its parents (mode 0777 less the umask). An existing one is fine.
 * ERR_INPUT if it or a parent is a file, ERR_IO.
 */
int make_directories(const char *path, struct error *err) CHECKED;

/* Removes a tree without crossing into another file system. What cannot be removed stays. */
void remove_tree(const char *path);

/*
 * Takes an exclusive lock on the file `path`, which is created if missing. When another process
 * holds the lock, it fails with ERR_BUSY or, if `wait` is set, waits (ERR_INTERRUPTED). Returns the
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
 * The part of a path below the directory `root`, to be freed by the caller; NULL when it is not
 * below. Links are followed in the directories, and the file itself may be missing. ERR_IO when
 * that cannot be determined.
 */
int path_inside(const char *root, const char *path, char **ret_inside, struct error *err) CHECKED;

/*
 * True for a name that is safe as a file, an asset and an OCI word: [A-Za-z0-9._-], no leading '.'
 * or '-'.
 */
bool name_is_plain(const char *name);
