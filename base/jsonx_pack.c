/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

static char *
escape_bytes(const char *text)
{
	struct strbuf escaped = STRBUF_INIT;

	while (*text != '\0') {
		size_t length = text_utf8_length(text);

		if (length != 0)
			strbuf_add(&escaped, text, length);
		else
			strbuf_addf(&escaped, "\\x%02x", (unsigned char)*text);
		text += length != 0 ? length : 1;
	}
	assert(!escaped.overflow);
	return strbuf_take(&escaped);
}

json_t *
jsonx_text(const char *text)
{
	auto_free char *escaped = escape_bytes(text);
	json_t *value = json_string(escaped);

	assert(value != NULL);
	return value;
}

void
jsonx_set(json_t *object, const char *key, json_t *value)
{
	int set = json_object_set_new(object, key, value);

	assert(set == 0);
}

void
jsonx_append(json_t *array, json_t *value)
{
	int appended = json_array_append_new(array, value);

	assert(appended == 0);
}

/* A place in a format, and the arguments that are left. */
struct step_tarballs {
	const char *format;
	va_list args;
};

/* The next character that means something. */
static char
peek(struct step_tarballs *p)
{
	p->format += strspn(p->format, " ,:");
	return *p->format;
}

static char
next(struct step_tarballs *p)
{
	char c = peek(p);

	assert(c != '\0');
	p->format++;
	return c;
}

/* 's' was read. NULL with '*' gives NULL: the member is left out. */
static json_t *
pack_text(struct step_tarballs *p)
{
	const char *text = va_arg(p->args, const char *);
	char mark = *p->format;

	if (mark == '?' || mark == '*')
		p->format++;
	if (text == NULL && mark == '*')
		return NULL;
	assert(text != NULL || mark == '?');
	return text != NULL ? jsonx_text(text) : json_null();
}

static json_t *
pack_scalar(struct step_tarballs *p, char type)
{
	switch (type) {
	case 'b':
		return json_boolean(va_arg(p->args, int));
	case 'i':
		return json_integer(va_arg(p->args, int));
	case 'I':
		return json_integer(va_arg(p->args, json_int_t));
	case 'f':
		return json_real(va_arg(p->args, double));
	case 'o':
		return va_arg(p->args, json_t *);
	default:
		return NULL;
	}
}

static json_t *pack_value(struct step_tarballs *p);

/* The opening bracket was read. Formats of ours nest three levels. */
static json_t *
pack_members(struct step_tarballs *p, bool object) /* NOLINT(misc-no-recursion) */
{
	json_t *value = object ? json_object() : json_array();

	while (peek(p) != (object ? '}' : ']')) {
		const char *key = NULL;
		json_t *member;

		if (object) {
			char letter = next(p);

			assert(letter == 's');
			key = va_arg(p->args, const char *);
		}
		member = pack_value(p);
		if (member == NULL)
			continue;
		if (object)
			jsonx_set(value, key, member);
		else
			jsonx_append(value, member);
	}
	(void)next(p);
	return value;
}

static json_t *
pack_value(struct step_tarballs *p) /* NOLINT(misc-no-recursion) */
{
	char type = next(p);
	json_t *value;

	if (type == '{' || type == '[')
		return pack_members(p, type == '{');
	if (type == 's')
		return pack_text(p);
	value = pack_scalar(p, type);
	assert(value != NULL);
	return value;
}

json_t *
jsonx_pack(const char *format, ...)
{
	struct step_tarballs p = {.format = format};
	json_t *value;

	va_start(p.args, format);
	value = pack_value(&p);
	va_end(p.args);
	assert(peek(&p) == '\0');
	return value;
}
