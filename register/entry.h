/* SPDX-License-Identifier: MIT */
/*
 * entry: what the kernel tells about one registered format.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/binfmt_table.h"

/* The kernel's limits: a registration has at most 1920 bytes, magic and mask 256 each. */
#define ENTRY_BYTES_MAX 256
#define ENTRY_FILE_MAX  4096

struct entry {
	bool enabled;
	unsigned offset;
	char interpreter[BINFMT_LINE_MAX + 1];
	char flags[16];
	size_t magic_length; /* 0 for a format known by its file extension */
	size_t mask_length;  /* 0 where every bit counts */
	uint8_t magic[ENTRY_BYTES_MAX];
	uint8_t mask[ENTRY_BYTES_MAX];
};

/*
 * Read the text that /proc/sys/fs/binfmt_misc/NAME holds. Flags that this program does not know are
 * kept. Returns 0, or -1 if the text is not of that form.
 */
int entry_parse(const char *text, size_t size, struct entry *ret_entry);

/* Whether the entry looks for what `target` needs, at the start of the file. */
bool entry_is_for(const struct entry *entry, const struct binfmt_target *target);

/* Whether it has the same interpreter and, of the flags P, O, C and F, the same. */
bool entry_runs(const struct entry *entry, const char *interpreter, const char *flags);
