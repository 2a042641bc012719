/* SPDX-License-Identifier: MIT */
#include "model/tiny_elf.h"

#include <stdbool.h>

#define ALIGNMENT 0x10000u

enum { EXECUTABLE = 2, LOADED = 1, READ_AND_EXECUTE = 5 };

/* Numbers of eight bytes are small ones: not every processor shifts that many. */
uint8_t *
tiny_elf_put(uint8_t *at, uint32_t value, size_t size, uint8_t order)
{
	for (size_t i = 0; i < size; i++) {
		size_t place = order == TINY_ELF_LITTLE ? i : size - 1 - i;

		*at++ = (uint8_t)(place < sizeof(value) ? value >> (8 * place) : 0);
	}
	return at;
}

/* ELF specification, "ELF Header" and "Program Header". */
void
tiny_elf_headers(const struct tiny_elf *elf, uint8_t headers[TINY_ELF_HEADERS])
{
	const bool wide = elf->class == TINY_ELF_64;
	const uint8_t word = wide ? 8 : 4, header = wide ? 64 : 52, segment = wide ? 56 : 32;
	const struct {
		uint32_t value;
		size_t size;
	} fields[] = {
		{elf->class, 1},
		{elf->order, 1},
		{1, 1},     /* version */
		{0, 1 + 8}, /* OS ABI, padding */
		{EXECUTABLE, 2},
		{elf->machine, 2},
		{1, 4},
		{elf->address + elf->code_at, word},
		{header, word}, /* where the program header is */
		{0, word},      /* no section headers */
		{elf->flags, 4},
		{header, 2},
		{segment, 2},
		{1, 2},         /* program header */
		{0, 2 + 2 + 2}, /* section headers */

		{LOADED, 4},
		{READ_AND_EXECUTE, wide ? 4 : 0},
		{0, word}, /* from the file's beginning */
		{elf->address, word},
		{elf->address, word},
		{elf->size, word},
		{elf->size, word},
		{READ_AND_EXECUTE, wide ? 0 : 4},
		{ALIGNMENT, word},
	};

	headers = tiny_elf_put(headers, 0x7f454c46, 4, TINY_ELF_BIG);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		headers = tiny_elf_put(headers, fields[i].value, fields[i].size, elf->order);
}
