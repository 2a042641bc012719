/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Runs the same small job for many items on several threads.
 */

#include "base/error.h"

#include <stddef.h>

/*
 * Calls job(index, context, err) for each index below `count`, on up to `threads` threads,
 * including the caller's; jobs start in this order. After the first failure or a signal
 * (ERR_INTERRUPTED) no further job starts, and -1 is returned with the error of the failed job that
 * has the lowest index.
 */
int parallel_for(size_t count, unsigned int threads,
		 int (*job)(size_t index, void *context, struct error *err), void *context,
		 struct error *err) CHECKED;
