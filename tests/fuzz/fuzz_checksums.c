/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "sources/checksums.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(checksums_clear) struct checksums checksums = CHECKSUMS_INIT;
	struct error err = ERROR_INIT;

	(void)!checksums_parse((const char *)bytes, size, "input", &checksums, &err);
	return 0;
}
