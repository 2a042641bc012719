/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An xz decoder below libarchive, whose own decoder allocates as much memory as a block of the file
 * asks for.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The largest dictionary that is accepted. "xz -9" uses 64 MiB. */
#define XZ_MAX_DICTIONARY (UINT64_C(128) << 20)

struct archive;
struct xz;

/* As in libarchive: returns the next bytes and their count, 0 at the end, or negative. */
typedef ssize_t xz_input(struct archive *archive, void *context, const void **ret_bytes);

/* Decodes everything from `input`, also several streams. To be freed by the caller. */
struct xz *xz_new(xz_input *input, void *context);
void xz_free(struct xz *xz); /* NULL is fine */

/*
 * The read callback for libarchive, with the decoder as its data. A failure of the decoder sets the
 * error of `archive`: ENOMEM if memory is short, EINVAL for invalid data.
 */
ssize_t xz_read(struct archive *archive, void *xz, const void **ret_bytes);

/* Why the decoder failed, or NULL: it did not, or there is no decoder, or the input failed. */
const char *xz_reason(const struct xz *xz);

/* Whether the reason is one of this decoder: the file may be whole, and is not taken. */
bool xz_is_sound(const struct xz *xz);
