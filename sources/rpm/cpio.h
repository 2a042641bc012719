/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The cpio stream in an RPM payload, in both of its forms.
 *
 *     newc      070701 | 13 x 8 hex digits | name, NUL, padded to 4 | data, padded to 4
 *     stripped  07070X | 8 hex digits: index into the header's file list, padded to 4 | data, ...
 *
 * Both end with a newc entry called TRAILER!!!. The stripped form has neither size nor name: RPM 6
 * always writes it, earlier versions for files of 4 GiB and more.
 */

#include "base/error.h"
#include "sources/decompress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CPIO_MAX_NAME 4096

struct cpio {
	struct decompressor *source; /* borrowed */
	const char *label;           /* for messages, borrowed */
	uint64_t position;           /* in the stream, for the padding */
	uint64_t left;               /* of the current entry's data */
};

struct cpio_entry {
	bool stripped;
	uint32_t index; /* stripped only */
	/* newc only */
	uint32_t mode;
	uint64_t size;
	char name[CPIO_MAX_NAME];
};

void cpio_init(struct cpio *cpio, struct decompressor *source, const char *label);

/*
 * Skips the rest of the current entry and reads the header of the next one. Returns 1, 0 at the
 * trailer, or -1: ERR_INPUT or ERR_IO. For a stripped entry the caller must set the size of its
 * data with cpio_set_size().
 */
int cpio_next(struct cpio *cpio, struct cpio_entry *ret_entry, struct error *err) CHECKED;

void cpio_set_size(struct cpio *cpio, uint64_t size);

/* Fills `buffer` unless the entry ends. Returns the count, 0 at its end, or -1. */
ssize_t cpio_read(struct cpio *cpio, void *buffer, size_t length, struct error *err) CHECKED;
