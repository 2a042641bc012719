/* SPDX-License-Identifier: MIT */
#include "images/registry/challenge.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(challenges_clear) struct challenges list = CHALLENGES_INIT;
	auto_free char *value = xstrndup((const char *)bytes, size);

	if (!challenges_parse(value, &list))
		assert(list.count == 0);
	(void)challenges_find(&list, CHALLENGE_BEARER);
	return 0;
}
