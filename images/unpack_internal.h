/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Between unpack.c and its fuzzer: a layer from a descriptor, to wherever its files go.
 */

#include "base/digest.h"
#include "base/error.h"

#include <sys/types.h>

/*
 * Names stay below the root and have no empty part, "." or "..". A file is made by open(), filled
 * by write() and ended by close(); after an error none of these is called again.
 */
struct unpack_sink {
	int (*directory)(void *context, const char *name, struct error *err);
	int (*open)(void *context, const char *name, struct error *err);
	int (*write)(void *context, const void *bytes, size_t length, struct error *err);
	int (*close)(void *context, mode_t mode, struct error *err);
	void *context;
};

/*
 * Unpacks the layer that `fd` is opened on, at its beginning. Errors of the sink, and ERR_INPUT,
 * ERR_VERIFY for another digest of the file or of the tar in it, ERR_IO, ERR_INTERRUPTED.
 */
int
layer_unpack(int fd, const char *name, const struct digest *digest, const struct digest *diff_id,
	     const struct unpack_sink *sink, struct error *err) CHECKED;
