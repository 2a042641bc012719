/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Decompresses a part of a file while it is read. Wraps libarchive's filters.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_BZIP2,
	COMPRESSION_LZMA,
	COMPRESSION_XZ,
	COMPRESSION_ZSTD,
};

/* The words of RPM's payload compressor tag: "gzip", "xz", ... False for any other. */
bool compression_parse(const char *word, enum compression *ret_compression) CHECKED;

/* By the extension of a file's name: .gz .bz2 .xz .zst .lzma; none for any other. */
enum compression compression_of_name(const char *name);

struct decompressor;

/*
 * Reads from offset `offset` of `fd` to the end of the file, with pread(): the descriptor is
 * borrowed, must outlive the result, and may be shared. Exactly this compression is removed, once:
 * compressed data within compressed data is returned unchanged. Empty data is an error. `name` is
 * for messages, and copied.
 *
 * ERR_INPUT for data not compressed that way, ERR_IO when libarchive lacks the filter, memory is
 * short or the file cannot be read, ERR_INTERRUPTED. To be freed by the caller.
 */
int decompressor_open(int fd, uint64_t offset, enum compression compression, const char *name,
		      struct decompressor **ret_decompressor, struct error *err) CHECKED;

/*
 * Fills `buffer` with the next `length` bytes; fewer only at the end of the data. Returns the
 * count, or -1: ERR_INPUT (corrupt or cut short), ERR_IO or ERR_INTERRUPTED. `buffer` may be NULL
 * to skip.
 */
ssize_t decompressor_read(struct decompressor *decompressor, void *buffer, size_t length,
			  struct error *err) CHECKED;

void decompressor_free(struct decompressor *decompressor);
void decompressor_freep(struct decompressor **decompressor); /* for AUTO() */
