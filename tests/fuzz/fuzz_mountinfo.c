/* SPDX-License-Identifier: MIT */
/*
 * The list of mounts as the registrar reads it, whose calls of the system go to the input. It is a
 * program without libc, so that this is the only way in.
 */
#include "register/sys.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint8_t *input;
static size_t input_left;

static int
open_input(const char *path)
{
	(void)path;
	return 0;
}

/* Pieces of odd lengths, so that lines are cut anywhere. */
static long
read_input(int fd, void *buffer, unsigned long size)
{
	size_t n = input_left < 37 ? input_left : 37;

	(void)fd;
	if (n > size)
		n = size;
	memcpy(buffer, input, n);
	input += n;
	input_left -= n;
	return (long)n;
}

static int
close_input(int fd)
{
	(void)fd;
	return 0;
}

#define sys_open_read open_input
#define sys_read      read_input
#define sys_close     close_input
#include "register/binfmt.c"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	input = bytes;
	input_left = size;
	(void)mount_is_shared("/proc/sys/fs/binfmt_misc");
	return 0;
}
