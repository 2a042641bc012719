/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Compresses the content of one member into a deflate stream that can be joined to others.
 *
 * The stream has no final block and ends at a byte boundary, so that the same bytes can be placed
 * in several gzip files between other blocks (see pack/gzip_join.h). The same content and
 * compressor version give the same stream on every machine.
 */

#include "base/digest.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct deflater;

/* For use by one thread at a time. */
struct deflater *deflater_new(void) CHECKED;
void deflater_free(struct deflater *deflater);
void deflater_freep(struct deflater **deflater); /* for AUTO() */

/* The room that deflater_run() needs for `size` bytes. */
size_t deflater_bound(struct deflater *deflater, size_t size) CHECKED;

/*
 * Compresses `size` bytes into `out`, which has `room` bytes, at least deflater_bound(). Stores the
 * length of the stream. ERR_IO if the compressor misbehaves or runs out of memory.
 */
int deflater_run(struct deflater *deflater, const uint8_t *bytes, size_t size, uint8_t *out,
		 size_t room, size_t *ret_length, struct error *err) CHECKED;

/*
 * Names the compressor: its version, level, and a digest of its output for a fixed text, which
 * distinguishes builds of the same version. Equal names give equal streams. To be freed by the
 * caller.
 */
char *deflater_identity(void) CHECKED;

/*
 * Decompresses a whole raw deflate stream, which must yield exactly `size` bytes and end with the
 * last byte of `stream`. ERR_VERIFY, with `name` in the message.
 */
int inflate_whole(const uint8_t *stream, size_t length, uint8_t *out, size_t size, const char *name,
		  struct error *err) CHECKED;

/*
 * For tests: makes a stream that ends with a final block non-final by decoding it from its start.
 * `stream` has room for five bytes more than `length`. deflater_run() does this when its faster way
 * is inconclusive; both give the same bytes.
 */
int deflate_open_end(uint8_t *stream, size_t length, size_t *ret_length, struct error *err) CHECKED;
