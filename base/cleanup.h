/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Frees what a function owns when its scope ends.
 *
 * `auto_free`, `auto_close` and `AUTO(f)` run when the variable leaves its scope. The variable must
 * be initialised at its declaration. `TAKE(p)` hands the pointer over and sets `p` to NULL.
 */

#include <stdlib.h>
#include <unistd.h>

#define CHECKED                  __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#define AUTO(release) __attribute__((cleanup(release)))
#define auto_free     AUTO(cleanup_freep)
#define auto_close    AUTO(cleanup_closep)

#define TAKE(pointer)                                                                              \
	__extension__({                                                                            \
		__auto_type take_value = (pointer);                                                \
		(pointer) = NULL;                                                                  \
		take_value;                                                                        \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Frees what the pointer at `p` points to; for `auto_free`. */
static inline void
cleanup_freep(void *p)
{
	void **pointer = p;

	free(*pointer);
	*pointer = NULL;
}

/*
 * Closes the descriptor at `fd` unless it is negative; for `auto_close`, on read-only descriptors.
 */
static inline void
cleanup_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
