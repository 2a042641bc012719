/* SPDX-License-Identifier: MIT */
#include "base/base64.h"

#include "base/alloc.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const void *bytes, size_t length)
{
	const uint8_t *in = bytes;
	char *text = xmalloc((length + 2) / 3 * 4 + 1), *out = text;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)in[i] << 16;

		if (left > 1)
			group |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			group |= in[i + 2];
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[group & 63] : '=';
	}
	*out = '\0';
	return text;
}

/* The value of one digit, or -1. Without a table, so that no index depends on a secret. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Reads `digits` (2 to 4) digits of one group into `digits - 1` bytes. */
static bool
decode_group(const char *text, size_t digits, uint8_t *bytes)
{
	uint32_t group = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < digits ? digit_value(text[i]) : 0;

		if (value < 0)
			return false;
		group = group << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < 3; i++) {
		uint8_t byte = (uint8_t)(group >> (16 - 8 * i));

		if (i < digits - 1)
			bytes[i] = byte;
		else if (byte != 0)
			return false; /* a second spelling of the same bytes */
	}
	return true;
}

bool
base64_decode(const char *text, size_t length, uint8_t *bytes, size_t room, size_t *ret_length)
{
	size_t padding = 0, count;

	if (length % 4 != 0)
		return false;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	count = length / 4 * 3 - padding;
	if (count > room)
		return false;
	for (size_t i = 0; i < length; i += 4) {
		size_t digits = i + 4 == length ? 4 - padding : 4;

		if (!decode_group(text + i, digits, bytes + i / 4 * 3))
			return false;
	}
	*ret_length = count;
	return true;
}
