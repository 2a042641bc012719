/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void
out_of_memory(void)
{
	(void)fputs("distributor: out of memory\n", stderr);
	abort();
}

static void *
check(void *p)
{
	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xmalloc(size_t size)
{
	return check(malloc(size != 0 ? size : 1));
}

void *
xcalloc(size_t count, size_t size)
{
	return check(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *
xreallocarray(void *old, size_t count, size_t size)
{
	return check(reallocarray(old, count != 0 ? count : 1, size != 0 ? size : 1));
}

char *
xstrdup(const char *text)
{
	return check(strdup(text));
}

char *
xstrndup(const char *text, size_t length)
{
	return check(strndup(text, length));
}

char *
xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return check(text);
}

void *
xgrow(void *items, size_t count, size_t size)
{
	/* Room doubles at each power of two; nothing else has to be remembered. */
	if ((count & (count - 1)) == 0)
		items = xreallocarray(items, count != 0 ? count * 2 : 1, size);
	memset((uint8_t *)items + count * size, 0, size);
	return items;
}
