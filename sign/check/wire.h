/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The data types of the SSH protocol (RFC 4251, section 5): uint32 big endian, and strings, which
 * are a uint32 length and that many bytes.
 */

#include "base/strbuf.h"

#include <stdint.h>

void wire_put_uint32(struct strbuf *buf, uint32_t number);
void wire_put_string(struct strbuf *buf, const void *bytes, size_t length);
void wire_put_text(struct strbuf *buf, const char *text);

/* The bytes left to read. */
struct wire {
	const uint8_t *bytes;
	size_t left;
};

/*
 * Each returns false and does not change `wire` when too few bytes are left. Results are borrowed.
 */
bool wire_get_uint32(struct wire *wire, uint32_t *ret_number) CHECKED;
bool wire_get_string(struct wire *wire, const uint8_t **ret_bytes, size_t *ret_length) CHECKED;

/* Consumes the next string and returns true if it is exactly this text. */
bool wire_get_text(struct wire *wire, const char *text) CHECKED;
