/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Small allocations that do not fail: they end the program when memory is gone.
 *
 * Never for a size that an outsider chose: cap such a size first, then use malloc() and report its
 * failure as an error. Everything returned is freed by the caller with free().
 */

#include "base/cleanup.h"

#include <stddef.h>

void *xmalloc(size_t size) CHECKED;
void *xcalloc(size_t count, size_t size) CHECKED;
void *xreallocarray(void *old, size_t count, size_t size) CHECKED;
char *xstrdup(const char *text) CHECKED;
char *xstrndup(const char *text, size_t length) CHECKED;
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2) CHECKED;

/* Prints "out of memory" and ends the program, for a library that could not allocate. */
void out_of_memory(void) __attribute__((noreturn));

/*
 * Makes room for one more item in a growing array: `items` is NULL or came from this function,
 * `count` items of `size` bytes are in use. The new item is zeroed.
 */
void *xgrow(void *items, size_t count, size_t size) CHECKED;
