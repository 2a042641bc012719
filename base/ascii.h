/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Kinds of characters, the same in every locale.
 */

#include <stdbool.h>

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A space or TAB. */
static inline bool
ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The value of a hexadecimal digit of either case, or -1. */
static inline int
ascii_hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
