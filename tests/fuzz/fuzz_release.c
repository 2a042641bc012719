/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "sources/debian/release_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(release_clear) struct release release = RELEASE_INIT;
	struct error err = ERROR_INIT;

	(void)!release_parse((const char *)bytes, size, "input", &release, &err);
	return 0;
}
