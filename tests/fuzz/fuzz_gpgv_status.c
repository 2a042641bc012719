/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "sources/debian/release_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const pins[] = {"B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"};
	static const struct release_keys any = {NULL, 0}, pinned = {pins, 1};
	auto_free char *text = xstrndup((const char *)bytes, size);
	struct release_signature signature;
	struct error err = ERROR_INIT;

	(void)!gpgv_status_parse(text, &any, &signature, &err);
	(void)!gpgv_status_parse(text, &pinned, &signature, &err);
	return 0;
}
