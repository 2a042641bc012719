/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes small packages and programs in memory, also such as no tool would make.
 */

#include "base/strbuf.h"

#include <stdint.h>

/* One entry of a tar archive. */
struct tar_entry {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' symbolic link, '3' device, '5' directory */
	unsigned int mode;
	const void *bytes;
	size_t size;
	const char *link;
};

void build_tar(struct strbuf *tar, const struct tar_entry *entries, size_t count);

/* The head of an ar archive, and one part of it. */
void build_ar_start(struct strbuf *ar);
void build_ar_part(struct strbuf *ar, const char *name, const void *bytes, size_t size);

/* A .deb with this control text and these files, not compressed. */
void
build_deb(struct strbuf *deb, const char *control, const struct tar_entry *entries, size_t count);

enum { BUILT_ELF_SIZE = 1024 };

struct elf_kind {
	uint8_t class, data; /* as in the ELF header */
	uint16_t machine;
	uint32_t flags;
	bool dynamic;     /* with a program interpreter */
	const char *text; /* found in the file, as the version of a real one is */
};

/* A program of BUILT_ELF_SIZE bytes. */
void build_elf(uint8_t bytes[BUILT_ELF_SIZE], const struct elf_kind *kind);
