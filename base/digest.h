/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SHA-256 digests: the value, its hexadecimal text, and a hasher over libcrypto.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE     32
#define DIGEST_HEX_SIZE 65 /* 64 lower-case digits and the terminator */

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

bool digest_equal(const struct digest *a, const struct digest *b);

/* True for the zeroed value, which stands for "no digest". */
bool digest_is_zero(const struct digest *digest);

/* Writes 64 lower-case digits into `hex` and returns it, for use in a printf() argument. */
char *digest_hex(const struct digest *digest, char hex[DIGEST_HEX_SIZE]);

/* Reads exactly 64 hexadecimal digits, upper case allowed. Returns false for anything else. */
bool digest_parse(const char *hex, struct digest *ret_digest) CHECKED;

/* A running SHA-256. Opaque; a failure of libcrypto ends the program. */
struct hasher;

struct hasher *hasher_new(void) CHECKED;
void hasher_free(struct hasher *hasher);
void hasher_freep(struct hasher **hasher); /* for AUTO() */
void hasher_update(struct hasher *hasher, const void *bytes, size_t length);

/* Stores the digest and starts over. */
void hasher_finish(struct hasher *hasher, struct digest *ret_digest);

void digest_of(const void *bytes, size_t length, struct digest *ret_digest);

/*
 * Digest and size of a whole file, read from its beginning with pread(): the offset of `fd` does
 * not change. ERR_IO on failure, ERR_INTERRUPTED at the first signal; `name` is for the message.
 * `ret_size` may be NULL.
 */
int digest_fd(int fd, const char *name, struct digest *ret_digest, uint64_t *ret_size,
	      struct error *err) CHECKED;

/*
 * The same by path, without following a symbolic link at its end; ERR_NOT_FOUND if missing,
 * ERR_INPUT if it is not a regular file.
 */
int digest_file(const char *path, struct digest *ret_digest, uint64_t *ret_size,
		struct error *err) CHECKED;
