/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files that a run has read, and their contents: passed from step to step, so that no step
 * reads a file again that an earlier one has read.
 *
 * A file is unchanged while its device, inode, size, mtime and ctime are; otherwise it is read
 * again. Two changes within one tick of the clock have the same time, so files younger than that
 * are not stored.
 */

#include "base/digest.h"

/* Opaque. Safe from several threads. Functions take NULL for it: then every file is read. */
struct seen_files;

struct seen_files *seen_files_new(void) CHECKED;
void seen_files_free(struct seen_files *seen);
void seen_files_freep(struct seen_files **seen); /* for AUTO() */

/* digest_file(), unless the file was read before and has not changed. */
int seen_digest(struct seen_files *seen, const char *path, struct digest *ret_digest,
		uint64_t *ret_size, struct error *err) CHECKED;

/* read_file() of a small file, unless it was read before and has not changed. */
int seen_read(struct seen_files *seen, const char *path, size_t max_bytes, char **ret_text,
	      size_t *ret_length, struct error *err) CHECKED;

/* Whether the file exists with exactly these bytes. */
bool seen_is(struct seen_files *seen, const char *path, const char *text) CHECKED;
