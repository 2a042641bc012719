/* SPDX-License-Identifier: MIT */
#pragma once

/* A version of this program: what a release says of the one that made it. */

#include "base/error.h"

#include <stdbool.h>

struct tool {
	const char *version; /* "0.1.0" */
	const char
		*commit; /* of its sources, in hex; NULL when they were not in a git repository */
	bool modified;   /* the sources differed from the commit */
};

/* "0.1.0", "0.1.0 (commit HEX)" or "0.1.0 (commit HEX, modified)", to be freed by the caller. */
char *tool_text(const struct tool *tool) CHECKED;
