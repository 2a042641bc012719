/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parts of a tar archive, whose bytes depend only on its content.
 *
 * POSIX ustar, no extended headers: mode 0755, owner and group 0 without names, device numbers 0.
 */

#include <stddef.h>
#include <stdint.h>

enum {
	TAR_BLOCK = 512,
	TAR_TRAILER = 1024,   /* zeros after the last member */
	TAR_NAME_LENGTH = 99, /* of the longest name */
};

#define TAR_MAX_SIZE  0x1ffffffffULL /* what eleven octal digits hold: bytes, seconds */
#define TAR_MAX_MTIME 0x1ffffffffLL

/* The header of a regular file. The caller has checked name, size and time against the limits. */
void tar_file_header(uint8_t header[TAR_BLOCK], const char *name, uint64_t size, int64_t mtime_sec);

/* The header of a directory, whose name ends with '/'. */
void tar_directory_header(uint8_t header[TAR_BLOCK], const char *name, int64_t mtime_sec);

/* How many zeros follow `size` bytes of content, up to the next block. */
size_t tar_padding(uint64_t size);
