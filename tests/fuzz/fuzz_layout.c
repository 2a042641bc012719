/* SPDX-License-Identifier: MIT */
/* With its functions that nobody else calls: index.json is text here, without a directory. */
#include "images/layout.c"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The names that are taken can stand in URLs, and none is there twice. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(layout_freep) struct layout *layout = layout_new("layout");
	struct error err = ERROR_INIT;
	bool marked = false;

	layout->index_text = xstrndup((const char *)bytes, size);
	if (take_index(layout, "index.json", strlen(layout->index_text), &marked, &err) < 0)
		return 0;
	for (size_t i = 0; i < layout->tags.count; i++)
		if (!reference_tag_is_valid(layout->tags.items[i].name) ||
		    layout_tags_find(&layout->tags, layout->tags.items[i].name) !=
			    &layout->tags.items[i].descriptor)
			abort();
	return 0;
}
