/* SPDX-License-Identifier: MIT */
#pragma once

/* A directory of its own for a test. */

#include "base/alloc.h"
#include "tests/support/test.h"

#include <ftw.h>
#include <stdlib.h>

/* A new empty directory, to be removed and freed. */
static inline char *
scratch_directory(void)
{
	const char *parent = getenv("TMPDIR");
	char *path = xasprintf("%s/distributor-test.XXXXXX", parent != NULL ? parent : "/tmp");

	if (mkdtemp(path) == NULL)
		fail_msg("cannot make '%s'", path);
	return path;
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* Removes it with all that is in it. */
static inline void
scratch_remove(const char *path)
{
	(void)nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
