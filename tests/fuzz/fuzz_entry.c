/* SPDX-License-Identifier: MIT */
#include "register/entry.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct entry entry;

	if (entry_parse((const char *)data, size, &entry) == 0)
		for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
			(void)entry_is_for(&entry, &binfmt_targets[i]);
	return 0;
}
