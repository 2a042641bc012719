/* SPDX-License-Identifier: MIT */
#include "sign/check/wire.h"

#include <assert.h>
#include <string.h>

void
wire_put_uint32(struct strbuf *buf, uint32_t number)
{
	uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
			    (uint8_t)(number >> 8), (uint8_t)number};

	strbuf_add(buf, bytes, sizeof(bytes));
}

void
wire_put_string(struct strbuf *buf, const void *bytes, size_t length)
{
	assert(length <= UINT32_MAX);
	wire_put_uint32(buf, (uint32_t)length);
	strbuf_add(buf, bytes, length);
}

void
wire_put_text(struct strbuf *buf, const char *text)
{
	wire_put_string(buf, text, strlen(text));
}

bool
wire_get_uint32(struct wire *wire, uint32_t *ret_number)
{
	const uint8_t *b = wire->bytes;

	if (wire->left < 4)
		return false;
	*ret_number = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	wire->bytes += 4;
	wire->left -= 4;
	return true;
}

bool
wire_get_string(struct wire *wire, const uint8_t **ret_bytes, size_t *ret_length)
{
	struct wire next = *wire;
	uint32_t length;

	if (!wire_get_uint32(&next, &length) || length > next.left)
		return false;
	*ret_bytes = next.bytes;
	*ret_length = length;
	next.bytes += length;
	next.left -= length;
	*wire = next;
	return true;
}

bool
wire_get_text(struct wire *wire, const char *text)
{
	struct wire next = *wire;
	const uint8_t *bytes;
	size_t length;

	if (!wire_get_string(&next, &bytes, &length) || length != strlen(text) ||
	    memcmp(bytes, text, length) != 0)
		return false;
	*wire = next;
	return true;
}
