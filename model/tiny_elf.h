/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * tiny_elf: the headers of a static program made in memory, to test whether something runs it. The
 * whole file is loaded readable and executable:
 *
 *                           32 bits    64 bits
 *     ELF header                 52         64
 *     one program header         32         56
 *     what the caller puts behind them
 *
 * Like binfmt_table.h this needs only the compiler.
 */

#include <stddef.h>
#include <stdint.h>

#define TINY_ELF_HEADERS 120 /* of the larger kind */

/* Values of the ELF header, stored in one byte as there, to keep tables of programs small. */
enum { TINY_ELF_32 = 1, TINY_ELF_64 = 2 };
enum { TINY_ELF_LITTLE = 1, TINY_ELF_BIG = 2 };

struct tiny_elf {
	uint8_t class; /* TINY_ELF_32 or TINY_ELF_64 */
	uint8_t order; /* TINY_ELF_LITTLE or TINY_ELF_BIG */
	uint16_t machine;
	uint32_t flags;
	uint32_t address; /* a multiple of 64 KiB, the largest page of any architecture */
	uint32_t code_at; /* its offset in the file */
	uint32_t size;    /* of the file */
};

/* Writes both headers; bytes after the smaller kind are unchanged. */
void tiny_elf_headers(const struct tiny_elf *elf, uint8_t headers[TINY_ELF_HEADERS]);

/* Writes a number of `size` bytes in this byte order and returns the position after it. */
uint8_t *tiny_elf_put(uint8_t *at, uint32_t value, size_t size, uint8_t order);
