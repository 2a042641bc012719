/* SPDX-License-Identifier: MIT */
#include "images/registry/credentials.h"
#include "images/registry/token.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char host[] = "ghcr.io", registry[] = "ghcr.io", path[] = "owner/repo";
	const struct reference repository = {.registry = registry, .host = host, .path = path};
	AUTO(token_clear) struct token token = TOKEN_INIT;
	struct error err = ERROR_INIT;

	for (int legacy = 0; legacy <= 1; legacy++) {
		AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
		auto_free char *helper = NULL;

		if (credentials_parse("f", (const char *)bytes, size, legacy != 0, &repository,
				      &found, &helper, &err) > 0)
			assert((helper != NULL) != (found.secret != NULL));
	}
	/* What goes into a header line has no end of line in it. */
	if (token_parse("t", (const char *)bytes, size, &token, &err) == 0)
		assert(strpbrk(token.text, "\r\n ") == NULL);
	return 0;
}
