/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A zstd file under construction, with the digests of what goes in and what comes out.
 *
 * One frame, level 10, windows of up to 128 MiB (what every decoder accepts), a checksum, one
 * thread: the bytes depend on the content and the version of libzstd alone.
 */

#include "base/digest.h"
#include "base/error.h"

struct zstd_file;

/*
 * Begins at the current offset of `fd`; `name` is for messages. Both are borrowed. `size` is what
 * will be added in all: the frame says it, and a small content gets a small window.
 */
struct zstd_file *zstd_file_new(int fd, const char *name, uint64_t size) CHECKED;
void zstd_file_free(struct zstd_file *file);
void zstd_file_freep(struct zstd_file **file); /* for AUTO() */

/* ERR_IO. */
int
zstd_file_add(struct zstd_file *file, const void *bytes, size_t length, struct error *err) CHECKED;

/* Ends the frame. Stores digest and size of the file, and the digest of its content. ERR_IO. */
int zstd_file_finish(struct zstd_file *file, struct digest *ret_digest, uint64_t *ret_size,
		     struct digest *ret_content, struct error *err) CHECKED;
