/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * binfmt_table: what the kernel looks for in a file to find the emulator that runs it.
 *
 * The rows, their order and their text form are those of QEMU's own configuration script, except
 * for microblaze, whose upstream row matches no real file. The table and its functions need only
 * the compiler, so that the registrar, which has no C library, can use them.
 */

#include <stdbool.h>
#include <stddef.h>

#define BINFMT_TARGET_COUNT 34
#define BINFMT_MAGIC_MAX    40

/* "\xNN" for each byte, and the terminating null byte. */
#define BINFMT_TEXT_MAX (BINFMT_MAGIC_MAX * 4 + 1)

/* The kernel accepts at most this many bytes in the one write that creates an entry. */
#define BINFMT_LINE_MAX 1920

struct binfmt_target {
	const char *name;   /* QEMU's spelling; the kernel's entry is called "qemu-" and this */
	const char *family; /* hosts of the same family are assumed to run such programs natively */
	const char *emulator;  /* the target whose emulator runs it: i386 for i486, else the name */
	size_t length;         /* bytes of `magic` and of `mask` */
	bool needs_64bit_host; /* QEMU 10 and later have no such emulator for 32-bit hosts */
	const char *magic;     /* bytes, not text */
	const char *mask;
};

/* In the order of registration. The kernel tries later entries first. */
extern const struct binfmt_target binfmt_targets[BINFMT_TARGET_COUNT];

/* The row of exactly this name, or NULL. */
const struct binfmt_target *binfmt_target_find(const char *name);

/* Whether the kernel would pick this target for a file that begins with these `n` bytes. */
bool binfmt_target_matches(const struct binfmt_target *target, const void *bytes, size_t n);

/* The magic (mask) as written in an entry, in `text`, which is returned. */
char *binfmt_magic_text(const struct binfmt_target *target, char text[BINFMT_TEXT_MAX]);
char *binfmt_mask_text(const struct binfmt_target *target, char text[BINFMT_TEXT_MAX]);

/*
 * The line that creates the entry, without a newline: what is written to the kernel's `register`,
 * and what a file in binfmt.d contains. `interpreter` is a path without ':' and control characters;
 * `flags` holds letters of "OCFP" or nothing.
 *
 * Returns the length, or 0 if it does not fit into `size` bytes with its terminating null byte.
 */
size_t binfmt_line(const struct binfmt_target *target, const char *interpreter, const char *flags,
		   char *line, size_t size);
