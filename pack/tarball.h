/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The release tarball of one member: writing it, and reading it back for the image layers.
 *
 * A tarball holds one file, `qemu-$target-static`, mode 0755. Where the content's compressed
 * stream begins is a constant of the format:
 *
 *     10 gzip header | 5 + 512 stored block with the tar header | content stream | final block | 8
 */

#include "base/digest.h"
#include "base/error.h"
#include "pack/gzip_join.h"

#include <stddef.h>
#include <stdint.h>

enum {
	TARBALL_CONTENT_OFFSET = GZIP_HEADER + GZIP_STORED_HEADER + 512,
	TARGET_SIZE = 32,      /* a target's name and its terminator */
	MEMBER_NAME_SIZE = 64, /* "qemu-$target-static" */
};

/* The largest emulator that is accepted, far above any ever built. */
#define MEMBER_MAX_SIZE (512ULL << 20)

/* One emulator, compressed. A plain value; the bytes are in its tarball. */
struct packed_member {
	char target[TARGET_SIZE];
	uint64_t size; /* as a program, in bytes */
	uint32_t crc32;
	struct digest sha256;
	uint64_t compressed_size; /* of the content stream, at TARBALL_CONTENT_OFFSET */
};

/* Writes "qemu-$target-static" and returns it. The target is shorter than TARGET_SIZE. */
char *member_name(char name[MEMBER_NAME_SIZE], const char *target);

/*
 * Writes the tarball of `member`, whose content stream is given, at the current offset of `fd`.
 * `name` is for messages. ERR_IO.
 */
int
tarball_write(int fd, const char *name, const struct packed_member *member, const uint8_t *content,
	      int64_t mtime_sec, struct written_file *ret_file, struct error *err) CHECKED;

/*
 * Reads a tarball of this format from the beginning of `fd` and checks every byte: header, tar
 * header, content, padding, both checksums at the end. ERR_VERIFY with what is wrong, ERR_IO.
 *
 * `ret_bytes`, unless NULL, receives the program itself, to be freed by the caller.
 */
int tarball_read(int fd, const char *name, struct packed_member *ret_member, int64_t *ret_mtime_sec,
		 uint8_t **ret_bytes, struct error *err) CHECKED;
