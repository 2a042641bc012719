#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
scrub_text(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			*p = p[1] = '?';
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
