/* SPDX-License-Identifier: MIT */
/* Any bytes as an RPM header: a parsed one answers every question about each of its tags. */

#include "sources/rpm/rpm_header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t
touch(const struct rpm_header *header, uint32_t tag)
{
	size_t count = 0, sum = 0;
	uint32_t value = 0;
	auto_free const char **strings = rpm_header_strings(header, tag, &count);
	auto_free uint64_t *numbers = NULL;
	const char *text = rpm_header_string(header, tag);
	const uint8_t *bin = rpm_header_bytes(header, tag, &count);

	for (size_t i = 0; strings != NULL && i < count; i++)
		sum += strlen(strings[i]);
	for (size_t i = 0; bin != NULL && i < count; i++)
		sum += bin[i];
	numbers = rpm_header_numbers(header, tag, &count);
	for (size_t i = 0; numbers != NULL && i < count; i++)
		sum += numbers[i];
	if (rpm_header_uint32(header, tag, &value))
		sum += value;
	return sum + (text != NULL ? strlen(text) : 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t sum = 0;
	AUTO(rpm_header_clear) struct rpm_header header = {0};
	struct error err = ERROR_INIT;

	if (rpm_header_parse(bytes, size, RPM_REGION_MAIN, "input", &header, &err) < 0 &&
	    rpm_header_parse(bytes, size, RPM_REGION_SIGNATURE, "input", &header, &err) < 0)
		return 0;
	for (uint32_t i = 0; i < header.entry_count; i++)
		sum += touch(&header, header.entries[i].tag);
	sum += touch(&header, 0);
	/* The sum has no meaning but for the compiler, which has to compute it. */
	return sum == SIZE_MAX ? -1 : 0;
}
