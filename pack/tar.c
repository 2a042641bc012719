/* SPDX-License-Identifier: MIT */
#include "pack/tar.h"

#include "base/cleanup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/*
 * ustar header (IEEE Std 1003.1, pax, "ustar Interchange Format"), offsets in bytes:
 *
 *   0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 chksum 8 |
 *   156 typeflag | 157 linkname 100 | 257 "ustar\0" | 263 "00" | 265 uname 32 | 297 gname 32 |
 *   329 devmajor 8 | 337 devminor 8 | 345 prefix 155 | 500 unused 12
 *
 * Numbers are octal digits with leading zeros and a NUL, but the sum, whose NUL is before a blank.
 */
static void
put_octal(uint8_t *field, size_t width, uint64_t number)
{
	field[width - 1] = '\0';
	for (size_t i = width - 1; i-- > 0; number >>= 3)
		field[i] = (uint8_t)('0' + (number & 7));
	assert(number == 0);
}

static void
make_header(uint8_t header[TAR_BLOCK], const char *name, char type, uint64_t size,
	    int64_t mtime_sec)
{
	unsigned int sum = 0;

	assert(strlen(name) <= TAR_NAME_LENGTH && mtime_sec >= 0);
	memset(header, 0, TAR_BLOCK);
	memcpy(header, name, strlen(name));
	put_octal(header + 100, 8, 0755);
	put_octal(header + 108, 8, 0);
	put_octal(header + 116, 8, 0);
	put_octal(header + 124, 12, size);
	put_octal(header + 136, 12, (uint64_t)mtime_sec);
	header[156] = (uint8_t)type;
	memcpy(header + 257, "ustar", 6);
	memcpy(header + 263, "00", 2);
	put_octal(header + 329, 8, 0);
	put_octal(header + 337, 8, 0);
	/* The sum is taken with blanks in its own place. */
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += header[i];
	put_octal(header + 148, 7, sum);
}

void
tar_file_header(uint8_t header[TAR_BLOCK], const char *name, uint64_t size, int64_t mtime_sec)
{
	make_header(header, name, '0', size, mtime_sec);
}

void
tar_directory_header(uint8_t header[TAR_BLOCK], const char *name, int64_t mtime_sec)
{
	assert(name[0] != '\0' && name[strlen(name) - 1] == '/');
	make_header(header, name, '5', 0, mtime_sec);
}

size_t
tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK - 1));
}
