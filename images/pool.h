#pragma once

/* The same work on many items by a few threads. */

#include "base/error.h"

#include <stddef.h>

/*
 * Calls `work` for each index below `count`, in order, by up to `threads` threads. After the first
 * failure, or an interrupt, no further item is begun. Returns 0 or -1 with the error of the failed
 * item that comes first in the list.
 */
int pool_run(size_t count, unsigned int threads,
	     int (*work)(void *context, size_t index, struct error *err), void *context,
	     struct error *err) CHECKED;
