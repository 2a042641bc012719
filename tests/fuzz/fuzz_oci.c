/* SPDX-License-Identifier: MIT */
#include "images/oci.h"
#include "images/reference.h"
#include "images/referrers.h"

#include "base/alloc.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
	AUTO(oci_config_parsed_clear) struct oci_config_parsed config = {.diff_ids = NULL};
	AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
	auto_free char *text = xstrndup((const char *)bytes, size);
	struct error err = ERROR_INIT;

	(void)(reference_parse(text, &reference, &err) < 0);
	(void)(oci_config_parse("c", (const char *)bytes, size, &config, &err) < 0);
	if (oci_parse("m", (const char *)bytes, size, &parsed, &err) == 0) {
		AUTO(oci_document_clear) struct oci_document merged = OCI_DOCUMENT_INIT;

		(void)referrers_merge(&parsed, &parsed, &merged);
	}
	return 0;
}
