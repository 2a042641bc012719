/* SPDX-License-Identifier: MIT */
#include "pack/difference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Two files, of which the first octets of the input give the first one's length, compared. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bytes first = {NULL, 0}, second = {NULL, 0};
	auto_free char *explained = NULL, *back = NULL;
	bool recompressed = false;

	if (size < 2)
		return 0;
	first.length = (size_t)(bytes[0] << 8 | bytes[1]);
	if (first.length > size - 2)
		first.length = size - 2;
	first.data = bytes + 2;
	second.data = bytes + 2 + first.length;
	second.length = size - 2 - first.length;
	explained = difference_explain(&first, &second, &recompressed);
	back = difference_explain(&second, &first, NULL);
	if ((explained == NULL) != (back == NULL) || (explained == NULL && recompressed))
		abort();
	return 0;
}
