/* SPDX-License-Identifier: MIT */
#include "base/jsonx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const paths[] = {"", "a", "a.b", "a[1].b", "[0][1]", "[\"x y\"].z"};
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	struct error err = ERROR_INIT;

	if (jsonx_parse("input", (const char *)bytes, size, &doc, &err) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		(void)jsonx_error(&doc, &err, paths[i], "x");
		(void)jsonx_error_at_key(&doc, &err, paths[i], "x");
	}
	return 0;
}
