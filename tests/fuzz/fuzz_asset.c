/* SPDX-License-Identifier: MIT */
#include "model/asset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A list that is read is written again, and that text reads back as itself. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT, again = ASSET_LIST_INIT;
	auto_free char *text = NULL, *second = NULL;
	struct error err = ERROR_INIT;

	if (asset_list_parse("f", (const char *)bytes, size, &list, &err) < 0)
		return 0;
	text = asset_list_format(&list);
	if (asset_list_parse("f", text, strlen(text), &again, &err) < 0)
		abort();
	second = asset_list_format(&again);
	if (strcmp(text, second) != 0)
		abort();
	return 0;
}
