/* SPDX-License-Identifier: MIT */
#include "publish/git/git_internal.h"

#include "base/alloc.h"

#include <git2.h>
#include <git2/sys/alloc.h>
#include <stdlib.h>
#include <string.h>

/*
 * libgit2 with memory that never fails: where an allocation does fail, it goes on with a NULL or
 * with half of a configuration. As for the other libraries, the program ends instead.
 */

static void *
git_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return xmalloc(size);
}

static void *
git_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return xreallocarray(old, 1, size);
}

/* Until 1.6 it wants more than these. */
#if LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR < 7
static void *
git_calloc(size_t count, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return xcalloc(count, size);
}

static char *
git_strdup(const char *text, const char *file, int line)
{
	(void)file;
	(void)line;
	return xstrdup(text);
}

static char *
git_strndup(const char *text, size_t length, const char *file, int line)
{
	(void)file;
	(void)line;
	return xstrndup(text, strnlen(text, length));
}

/* Exactly so many bytes. */
static char *
git_substrdup(const char *text, size_t length, const char *file, int line)
{
	char *copy = git_malloc(length + 1, file, line);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

static void *
git_reallocarray(void *old, size_t count, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return xreallocarray(old, count, size);
}

static void *
git_mallocarray(size_t count, size_t size, const char *file, int line)
{
	return git_reallocarray(NULL, count, size, file, line);
}
#endif

int
repo_library_start(struct error *err)
{
	git_allocator allocator = {
		.gmalloc = git_malloc,
		.grealloc = git_realloc,
		.gfree = free,
#if LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR < 7
		.gcalloc = git_calloc,
		.gstrdup = git_strdup,
		.gstrndup = git_strndup,
		.gsubstrdup = git_substrdup,
		.greallocarray = git_reallocarray,
		.gmallocarray = git_mallocarray,
#endif
	};

	if (git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator) < 0 || git_libgit2_init() < 0)
		return error_set(err, ERR_IO, "cannot start libgit2: %s", repo_reason());
	return 0;
}
