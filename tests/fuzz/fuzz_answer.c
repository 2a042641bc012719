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
	AUTO(credentials_clear) struct credentials credentials = CREDENTIALS_INIT;
	auto_free char *body = xcalloc(size + 1, 1);
	const struct process_result answer = {.output = body, .length = size};
	struct http_response response = {.status = 403, .body = body};
	struct error err = ERROR_INIT;

	if (size != 0)
		memcpy(body, bytes, size);
	response.length = strlen(body);
	if (size <= MAX_ANSWER)
		(void)!read_answer("helper", &answer, &credentials, &err);
	(void)registry_has_code(&response, "DENIED");
	(void)!registry_refused(&response, "fuzz", &err);
	return 0;
}
