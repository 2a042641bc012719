/* SPDX-License-Identifier: MIT */
#include "model/arch.h"
#include "model/elf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The bytes as a program of each kind of host: 32 and 64 bits, both orders of bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const hosts[] = {"x86_64", "s390x", "armv7l", "armv5tel"};
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (elf_check_static(bytes, size, arch_find(hosts[i]), "f", &err) == 0 && size < 52)
			abort();
	return 0;
}
