/* SPDX-License-Identifier: MIT */
#pragma once

/* Words of sentences that depend on a number. */

#include <stddef.h>

/* The end of a noun after its number: printf("%zu host%s", count, plural(count)). */
static inline const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}
