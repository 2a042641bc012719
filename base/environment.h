/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Variables of the environment.
 */

#include <stdlib.h>

/* The value of a variable, or NULL if it is not set or is empty. */
static inline const char *
environment_get(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}
