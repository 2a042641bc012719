#include "pack/packlist.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Whatever is read can be written, and read again as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(manifest_release) struct manifest manifest = MANIFEST_INIT;
	AUTO(manifest_release) struct manifest again = MANIFEST_INIT;
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;

	if (manifest_parse("fuzz", (const char *)bytes, size, &manifest, &err) < 0)
		return 0;
	text = manifest_format(&manifest);
	if (manifest_parse("again", text, strlen(text), &again, &err) < 0)
		abort();
	return 0;
}
