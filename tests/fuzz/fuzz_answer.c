/* SPDX-License-Identifier: MIT */
/* With its functions that nobody else calls: the answer of a credential helper is text here. */
#include "images/registry/credential_helper.c"
#include "images/registry/registry_internal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Short documents in JSON: a credential helper's answer, and why a registry refuses. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(strbuf_clear) struct strbuf answer = {.max_length = MAX_ANSWER};
	AUTO(credentials_clear) struct credentials credentials = CREDENTIALS_INIT;
	auto_free char *body = xstrndup((const char *)bytes, size);
	struct http_response response = {.status = 403, .body = body, .length = strlen(body)};
	struct error err = ERROR_INIT;

	strbuf_add(&answer, bytes, size);
	if (!answer.overflow)
		(void)!read_answer("helper", &answer, &credentials, &err);
	(void)registry_has_code(&response, "DENIED");
	(void)!registry_refused(&response, "fuzz", &err);
	return 0;
}
