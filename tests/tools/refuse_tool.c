/* SPDX-License-Identifier: MIT */
/*
 * Runs a program for which one system call always fails, as on a disk that is broken.
 *
 *     refuse_tool SYSCALL ERRNO PROGRAM [ARG]...
 *
 * 125 if that cannot be arranged. Unlike a tracer it leaves the leak check of the program alone.
 */
#include "base/cleanup.h"
#include "tests/support/refuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static const struct name {
	const char *name;
	long number;
} calls[] =
	{
		{"getdents64", SYS_getdents64}, {"fsync", SYS_fsync},     {"fstat", SYS_fstat},
		{"newfstatat", SYS_newfstatat}, {"pread64", SYS_pread64},
#ifdef SYS_unlink
		{"unlink", SYS_unlink},         {"symlink", SYS_symlink},
#else
		{"unlink", SYS_unlinkat},       {"symlink", SYS_symlinkat},
#endif
},
  errors[] = {
	  {"EIO", EIO},
	  {"EMFILE", EMFILE},
	  {"EACCES", EACCES},
};

static long
find(const struct name *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].number;
	return -1;
}

int
main(int argc, char **argv)
{
	long call = argc > 3 ? find(calls, ARRAY_SIZE(calls), argv[1]) : -1;
	long error = argc > 3 ? find(errors, ARRAY_SIZE(errors), argv[2]) : -1;

	if (call < 0 || error < 0 || refuse_syscall(call, (int)error) < 0) {
		(void)fprintf(stderr, "refuse_tool: cannot refuse it\n");
		return 125;
	}
	(void)execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 125;
}
