/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "model/package.h"
#include "sources/debian/deb822.h"
#include "sources/debian/deb_control.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Paragraph after paragraph, as the text of a control file and as what apt-cache prints. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct error err = ERROR_INIT;
	size_t offset = 0;

	for (;;) {
		AUTO(deb822_clear) struct deb822 paragraph = DEB822_INIT;
		AUTO(package_clear) struct package package = {0};
		size_t before = offset;

		if (deb822_next((const char *)bytes, size, &offset, "input", &paragraph, &err) <= 0)
			return 0;
		if (offset <= before)
			abort();
		(void)!deb_control_fill(&paragraph, "input", &package, &err);
		(void)!deb_control_why_not_static(&paragraph);
	}
}
