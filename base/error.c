/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include "base/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The code point of a sequence of two or three bytes: no character of four is a control. */
static unsigned int
code_point(const char *text, size_t length)
{
	const unsigned char *b = (const unsigned char *)text;

	switch (length) {
	case 1:
		return b[0];
	case 2:
		return (b[0] & 0x1fU) << 6 | (b[1] & 0x3fU);
	case 3:
		return (b[0] & 0x0fU) << 12 | (b[1] & 0x3fU) << 6 | (b[2] & 0x3fU);
	default:
		return 0xfffd;
	}
}

/* C0, DEL, C1, the ends of lines of Unicode, and what turns the direction of writing. */
static bool
is_control(unsigned int code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

void
scrub_text(char *text)
{
	while (*text != '\0') {
		size_t length = text_utf8_length(text), all = length != 0 ? length : 1;

		if (length == 0 || is_control(code_point(text, length)))
			memset(text, '?', all);
		text += all;
	}
}

int
error_vset(struct error *err, enum error_code code, const char *format, va_list args)
{
	err->code = code;
	err->remote = false;
	if (vsnprintf(err->message, sizeof(err->message), format, args) < 0)
		err->message[0] = '\0';
	scrub_text(err->message);
	return -1;
}

void
error_write(struct error *err, enum error_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset(err, code, format, args);
	va_end(args);
}

void
error_write_absent(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset(err, ERR_NOT_FOUND, format, args);
	va_end(args);
	err->remote = true;
}

void
error_write_errno(struct error *err, enum error_code code, const char *format, ...)
{
	int saved = errno;
	char reason[128];
	size_t used;
	va_list args;

	va_start(args, format);
	error_vset(err, code, format, args);
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s",
		       strerror_r(saved, reason, sizeof(reason)));
}

void
error_write_prefix(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->message)];
	bool remote = err->remote;
	size_t used;
	va_list args;

	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	error_vset(err, err->code, format, args);
	va_end(args);
	err->remote = remote;
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
}

int
error_exit_status(const struct error *err)
{
	switch (err->code) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_INPUT:
	case ERR_DENIED:
		return 3;
	case ERR_VERIFY:
		return 4;
	case ERR_NETWORK:
	case ERR_REMOTE:
		return 5;
	case ERR_NOT_FOUND:
		return err->remote ? 5 : 3;
	case ERR_IO:
	case ERR_BUSY:
	case ERR_INTERRUPTED:
		return 1;
	}
	return 1;
}
