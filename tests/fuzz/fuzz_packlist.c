/* SPDX-License-Identifier: MIT */
#include "pack/packlist.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Whatever is read can be written, and read again as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
	AUTO(packlist_clear) struct packlist again = PACKLIST_INIT;
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;

	if (packlist_parse("fuzz", (const char *)bytes, size, &packlist, &err) < 0)
		return 0;
	text = packlist_format(&packlist);
	if (packlist_parse("again", text, strlen(text), &again, &err) < 0)
		abort();
	return 0;
}
