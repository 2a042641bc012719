/* SPDX-License-Identifier: MIT */
/*
 * The entry point and the functions that a compiler calls on its own. Only the registrar itself has
 * this file: the unit tests have a C library for it.
 */
#include <asm/unistd.h>
#include <stddef.h>

#include "register/registrar.h"
#include "register/sys_raw.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
void sys_start(long *stack);

__asm__(".text\n"
	".global _start\n"
#ifndef __mips__
	".type _start, %function\n"
#endif
	"_start:\n" SYS_RAW_START);

/* The kernel leaves argc, argv, NULL, environment, NULL on the stack. */
__attribute__((used, noreturn)) void
sys_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	int status = registrar_main(argc, argv, argv + argc + 1);

	for (;;)
		sys_raw(__NR_exit_group, status, 0, 0, 0, 0);
}

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n-- > 0)
		*t++ = *f++;
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	if (t <= f) {
		while (n-- > 0)
			*t++ = *f++;
		return to;
	}
	while (n-- > 0)
		t[n] = f[n];
	return to;
}

void *
memset(void *to, int byte, size_t n)
{
	char *t = to;

	while (n-- > 0)
		*t++ = (char)byte;
	return to;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n > 0; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t
strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}
