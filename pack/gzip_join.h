/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes one gzip file from pieces: some raw, some already compressed by deflater_run().
 *
 * The result is a single gzip member that every reader supports: no time, no name, no extra field,
 * operating system 255. Its sha256 is computed while it is written.
 */

#include "base/digest.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
	GZIP_HEADER = 10,
	GZIP_STORED_HEADER = 5, /* before the bytes of gzip_join_raw() */
	GZIP_TRAILER = 8,       /* CRC-32 and length */
	GZIP_MAX_RAW = 65535,   /* bytes in one gzip_join_raw() */
	GZIP_MAX_ZEROS = 4096,
	GZIP_ZEROS_ROOM = 64, /* at most what gzip_zeros() needs */
};

extern const uint8_t gzip_header[GZIP_HEADER];

/* Size and digest of a file as written. */
struct written_file {
	uint64_t size;
	struct digest sha256;
};

struct gzip_join;

/* Starts at the current offset of `fd`, which is borrowed, like `name`, which is for messages. */
struct gzip_join *gzip_join_new(int fd, const char *name) CHECKED;
void gzip_join_free(struct gzip_join *join);
void gzip_join_freep(struct gzip_join **join); /* for AUTO() */

/* Adds bytes uncompressed, in a stored block. ERR_IO. */
int
gzip_join_raw(struct gzip_join *join, const void *bytes, size_t length, struct error *err) CHECKED;

/* Announces `size` bytes with this CRC-32, whose compressed form gzip_join_compressed() adds. */
void gzip_join_begin_content(struct gzip_join *join, uint64_t size, uint32_t crc);

/* Adds a part of the announced content's stream from deflater_run(), unchanged. ERR_IO. */
int gzip_join_compressed(struct gzip_join *join, const void *bytes, size_t length,
			 struct error *err) CHECKED;

/* Adds 4 to GZIP_MAX_ZEROS zeros in the final block, then the trailer. ERR_IO. */
int gzip_join_finish(struct gzip_join *join, size_t zeros, struct written_file *ret_file,
		     struct error *err) CHECKED;

/*
 * The final block for that many zeros (at least 4); its bytes never change. Returns its length.
 */
size_t gzip_zeros(uint8_t out[GZIP_ZEROS_ROOM], size_t zeros) CHECKED;

/* The header of the stored block for `length` bytes. */
void gzip_stored_header(uint8_t header[GZIP_STORED_HEADER], size_t length);

/* The last eight bytes of a gzip file. */
void gzip_trailer(uint8_t trailer[GZIP_TRAILER], uint32_t crc, uint64_t raw_size);

/* CRC-32 as in gzip, of `length` bytes after those that gave `crc` (0 at the start). */
uint32_t gzip_crc(uint32_t crc, const void *bytes, size_t length) CHECKED;

/* CRC-32 of two texts, one after the other, from those of each. */
uint32_t gzip_crc_combine(uint32_t first, uint32_t second, uint64_t second_length) CHECKED;
