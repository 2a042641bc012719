/* SPDX-License-Identifier: MIT */
/* With its functions that nobody else calls: the page comes from a server, and is text here. */
#include "sources/fedora/koji.c"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The names of a page are plain, and those that fit become packages with URLs. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char package[] = "qemu";
	static const char key[] = "36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6";
	struct fedora_query query = {.source = "fedora", .package = package, .release = 44};
	auto_free char *page = xstrndup((const char *)bytes, size);
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;
	AUTO(words_clear) struct words names = WORDS_INIT;
	AUTO(build_clear)
	struct build build = build_of(&query, "https://koji", "2:10.2.2-1.fc44", "x86_64");
	struct error err = ERROR_INIT;

	if (list_page(page, &names, &err) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++)
		if (!package_file_is_plain(names.items[i]))
			abort();
	add_listed(&build, key, arch_find("x86_64"), "2:10.2.2-1.fc44", &names, &list);
	sort_versions(&names);
	return 0;
}
