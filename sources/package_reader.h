/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Streams the members of one package file, an .rpm or a .deb, without unpacking to disk.
 *
 *     AUTO(package_reader_freep) struct package_reader *reader = NULL;
 *     struct member_info info;
 *     int r;
 *
 *     if (package_reader_open(path, label, &reader, err) < 0) ...
 *     while ((r = package_reader_next(reader, &info, err)) > 0)
 *             read info.size bytes with package_reader_read(), or leave it: it is then skipped
 *
 * A reader checks the structure of what it reads, not its origin: the caller has verified the file
 * (signature, or the digest in the lock). A reader is for one thread.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum member_type {
	MEMBER_FILE,      /* a regular file, with all of its bytes here */
	MEMBER_SYMLINK,   /* `link_target` is its text */
	MEMBER_HARD_LINK, /* another name of a file whose bytes are in a different member */
	MEMBER_DIRECTORY,
	MEMBER_OTHER, /* device, pipe, socket */
};

struct member_info {
	const char *name; /* without a leading "./" or "/"; valid until the next call */
	enum member_type type;
	uint64_t size;           /* in bytes; 0 unless MEMBER_FILE */
	uint32_t mode;           /* permission bits, 07777 */
	const char *link_target; /* MEMBER_SYMLINK and MEMBER_HARD_LINK, else NULL; may be NULL for
				  * a hard link if the format has none; valid like `name` */
};

struct package_reader;

/*
 * Moves to the next member. Returns 1 and fills `*ret_info`, 0 after the last one, or -1: ERR_INPUT
 * (malformed or cut short) or ERR_IO. Names are as in the package: they may be invalid, and the
 * caller picks the few it needs.
 */
int package_reader_next(struct package_reader *reader, struct member_info *ret_info,
			struct error *err) CHECKED;

/*
 * Reads up to `length` bytes of the current member. Fills the buffer entirely unless the member
 * ends: one call with a buffer of `info.size` bytes reads it all. Returns the count, 0 at its end.
 *
 * If the package has a digest of the member (every .rpm that this program accepts), it is compared
 * before the call that delivers the last byte returns: a member read to its `size` is verified. -1:
 * ERR_VERIFY (wrong digest), ERR_INPUT or ERR_IO.
 */
ssize_t package_reader_read(struct package_reader *reader, void *buffer, size_t length,
			    struct error *err) CHECKED;

void package_reader_free(struct package_reader *reader);
void package_reader_freep(struct package_reader **reader); /* for AUTO() */

/*
 * What a format implements. `state` belongs to the format and is freed by `free`; the rest is as
 * above.
 */
struct package_reader_ops {
	int (*next)(void *state, struct member_info *ret_info, struct error *err);
	ssize_t (*read)(void *state, void *buffer, size_t length, struct error *err);
	void (*free)(void *state);
};

/* For the formats: makes a reader. Takes ownership of `state`. */
struct package_reader *
package_reader_new(const struct package_reader_ops *ops, void *state) CHECKED;
