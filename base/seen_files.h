/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which files a run has read, and what was in them: handed from step to step, so that none reads
 * again what the one before it has read.
 *
 * A file is the same as long as device, inode, size and both times of change are: whoever writes to
 * it changes one of them, and then it is read again. Two changes within one tick of the clock have
 * the same time; a file that is as young as that when it is read is not remembered.
 */

#include "base/digest.h"

/* Opaque. Safe from several threads. Functions take NULL for it: then every file is read. */
struct seen_files;

struct seen_files *seen_files_new(void) CHECKED;
void seen_files_free(struct seen_files *seen);
void seen_files_freep(struct seen_files **seen); /* for AUTO() */

/* digest_file(), unless the file was read before and is the same. */
int seen_digest(struct seen_files *seen, const char *path, struct digest *ret_digest,
		uint64_t *ret_size, struct error *err) CHECKED;

/* read_file() of a small file, unless it was read so before and is the same. */
int seen_read(struct seen_files *seen, const char *path, size_t max_bytes, char **ret_text,
	      size_t *ret_length, struct error *err) CHECKED;

/* Whether the file is there with exactly these bytes. */
bool seen_is(struct seen_files *seen, const char *path, const char *text) CHECKED;
