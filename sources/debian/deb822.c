/* SPDX-License-Identifier: MIT */
#include "sources/debian/deb822.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/strbuf.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { MAX_FIELDS = 1000 };

struct line {
	const char *text;
	size_t length;
};

void
deb822_clear(struct deb822 *paragraph)
{
	for (size_t i = 0; i < paragraph->count; i++) {
		free(paragraph->fields[i].name);
		free(paragraph->fields[i].value);
	}
	free(paragraph->fields);
	*paragraph = (struct deb822)DEB822_INIT;
}

/* The next line without its end; the last one may have none. */
static bool
next_line(const char *text, size_t length, size_t *offset, struct line *ret_line)
{
	const char *end;

	if (*offset >= length)
		return false;
	ret_line->text = text + *offset;
	end = memchr(ret_line->text, '\n', length - *offset);
	ret_line->length = end != NULL ? (size_t)(end - ret_line->text) : length - *offset;
	*offset += ret_line->length + (end != NULL ? 1 : 0);
	if (ret_line->length > 0 && ret_line->text[ret_line->length - 1] == '\r')
		ret_line->length--;
	return true;
}

static struct line
trim(const char *text, size_t length)
{
	assert(text != NULL || length == 0);
	while (length > 0 && ascii_is_blank(*text))
		text++, length--;
	while (length > 0 && ascii_is_blank(text[length - 1]))
		length--;
	return (struct line){text, length};
}

static bool
is_empty(const struct line *line)
{
	return trim(line->text, line->length).length == 0;
}

/*
 * Policy 5.1: field names are US-ASCII without control characters, blanks and colons, not '#', '-'
 * first.
 */
static bool
is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return length > 0 && text[0] != '#' && text[0] != '-';
}

static int
add_field(struct deb822 *paragraph, const struct line *line, const char *name, struct error *err)
{
	const char *colon = memchr(line->text, ':', line->length);
	size_t name_length = colon != NULL ? (size_t)(colon - line->text) : 0;
	struct deb822_field *field;
	auto_free char *key = NULL;
	struct line value;

	if (!is_name(line->text, name_length))
		return error_set(err, ERR_INPUT, "%s: '%.*s' is not a 'Field: value' line", name,
				 (int)(line->length < 60 ? line->length : 60), line->text);
	key = xstrndup(line->text, name_length);
	if (deb822_get(paragraph, key) != NULL)
		return error_set(err, ERR_INPUT, "%s: duplicate field '%s'", name, key);
	if (paragraph->count == MAX_FIELDS)
		return error_set(err, ERR_INPUT, "%s: more than %d fields", name, MAX_FIELDS);
	value = trim(colon + 1, line->length - name_length - 1);
	paragraph->fields = xgrow(paragraph->fields, paragraph->count, sizeof(*field));
	field = &paragraph->fields[paragraph->count++];
	field->name = TAKE(key);
	field->value = xstrndup(value.text, value.length);
	return 0;
}

/* The continuation lines that follow at `*offset`, appended at once: they can be many. */
static void
add_continuations(struct deb822 *paragraph, const char *text, size_t length, size_t *offset)
{
	struct deb822_field *field = &paragraph->fields[paragraph->count - 1];
	AUTO(strbuf_clear) struct strbuf value = STRBUF_INIT;
	struct line line;
	size_t next = *offset;

	if (next >= length || !ascii_is_blank(text[next]))
		return;
	strbuf_adds(&value, field->value);
	while (next < length && ascii_is_blank(text[next]) &&
	       next_line(text, length, &next, &line)) {
		struct line trimmed = trim(line.text, line.length);

		if (trimmed.length == 0)
			break;
		strbuf_add(&value, "\n", 1);
		strbuf_add(&value, trimmed.text, trimmed.length);
		*offset = next;
	}
	free(field->value);
	field->value = strbuf_take(&value);
}

int
deb822_next(const char *text, size_t length, size_t *offset, const char *name,
	    struct deb822 *ret_paragraph, struct error *err)
{
	AUTO(deb822_clear) struct deb822 paragraph = DEB822_INIT;
	size_t at = *offset, before = at;
	struct line line;

	if (memchr(text + at, '\0', length - at) != NULL)
		return error_set(err, ERR_INPUT, "%s: the text contains a NUL byte", name);
	while (next_line(text, length, &at, &line) && is_empty(&line))
		before = at;
	at = before;
	while (next_line(text, length, &at, &line) && !is_empty(&line)) {
		if (add_field(&paragraph, &line, name, err) < 0)
			return -1;
		add_continuations(&paragraph, text, length, &at);
	}
	*offset = at;
	if (paragraph.count == 0)
		return 0;
	*ret_paragraph = paragraph;
	paragraph = (struct deb822)DEB822_INIT;
	return 1;
}

int
deb822_parse(const char *text, size_t length, const char *name, struct deb822 *ret_paragraph,
	     struct error *err)
{
	AUTO(deb822_clear) struct deb822 first = DEB822_INIT;
	AUTO(deb822_clear) struct deb822 second = DEB822_INIT;
	size_t offset = 0;
	int r = deb822_next(text, length, &offset, name, &first, err);

	if (r == 0)
		return error_set(err, ERR_INPUT, "%s: the text is empty", name);
	if (r > 0)
		r = deb822_next(text, length, &offset, name, &second, err);
	if (r < 0)
		return -1;
	if (r > 0)
		return error_set(err, ERR_INPUT, "%s: more than one paragraph", name);
	*ret_paragraph = first;
	first = (struct deb822)DEB822_INIT;
	return 0;
}

const char *
deb822_get(const struct deb822 *paragraph, const char *field)
{
	for (size_t i = 0; i < paragraph->count; i++)
		if (strcasecmp(paragraph->fields[i].name, field) == 0)
			return paragraph->fields[i].value;
	return NULL;
}

int
deb822_require(const struct deb822 *paragraph, const char *field, const char *name,
	       const char **ret_value, struct error *err)
{
	const char *value = deb822_get(paragraph, field);

	if (value == NULL || value[0] == '\0')
		return error_set(err, ERR_INPUT, "%s: missing field '%s'", name, field);
	if (strchr(value, '\n') != NULL)
		return error_set(err, ERR_INPUT, "%s: field '%s' has several lines", name, field);
	*ret_value = value;
	return 0;
}

void
deb822_each_item(const char *value, void (*item)(void *context, const char *text), void *context)
{
	while (*value != '\0') {
		size_t length = strcspn(value, ",");
		auto_free char *text = NULL;

		while (length > 0 && strchr(" \t\n", *value) != NULL)
			value++, length--;
		text = xstrndup(value, length);
		value += length + (value[length] == ',' ? 1 : 0);
		while (length > 0 && strchr(" \t\n", text[length - 1]) != NULL)
			text[--length] = '\0';
		if (length > 0)
			item(context, text);
	}
}
