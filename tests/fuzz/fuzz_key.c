/* SPDX-License-Identifier: MIT */
#include "sign/make/key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Key files of all forms. Protected ones stay closed: scrypt would be all that is measured. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(secret_clear) struct secret text = SECRET_INIT;
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	struct error err = ERROR_INIT;

	if (size > SIGNING_KEY_MAX_FILE || secret_alloc(size, &text, &err) < 0)
		return 0;
	if (size != 0)
		memcpy(text.bytes, bytes, size);
	if (signing_key_parse(&text, NULL, &key, "x", &err) == 0) {
		AUTO(secret_clear) struct secret again = SECRET_INIT;

		if (signing_key_format(key, SIGNING_KEY_LINE, NULL, &again, &err) < 0)
			abort();
	}
	return 0;
}
