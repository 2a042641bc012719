/* SPDX-License-Identifier: MIT */
#include "base/number.h"

bool
parse_uint_prefix(const char **text, uint64_t max, uint64_t *ret_number)
{
	const char *p = *text;
	uint64_t number = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (digit > max || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*text = p;
	*ret_number = number;
	return true;
}

bool
parse_uint(const char *text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number;

	if (!parse_uint_prefix(&text, max, &number) || *text != '\0')
		return false;
	*ret_number = number;
	return true;
}

bool
parse_character(const char **text, char wanted)
{
	if (**text != wanted || wanted == '\0')
		return false;
	++*text;
	return true;
}
