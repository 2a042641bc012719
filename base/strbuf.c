/* SPDX-License-Identifier: MIT */
#include "base/strbuf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_MAX = 64 << 20 };

void
strbuf_clear(struct strbuf *buf)
{
	free(buf->text);
	*buf = (struct strbuf)STRBUF_INIT;
}

void
strbuf_add(struct strbuf *buf, const void *bytes, size_t length)
{
	size_t max = buf->max_length != 0 ? buf->max_length : DEFAULT_MAX;

	if (length > max || buf->length > max - length) {
		buf->overflow = true;
		return;
	}
	if (buf->length + length + 1 > buf->room) {
		buf->room = (buf->length + length + 64) * 2;
		buf->text = xreallocarray(buf->text, buf->room, 1);
	}
	if (length != 0)
		memcpy(buf->text + buf->length, bytes, length);
	buf->length += length;
	buf->text[buf->length] = '\0';
}

void
strbuf_adds(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void
strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	auto_free char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		out_of_memory();
	strbuf_add(buf, text, (size_t)n);
}

const char *
strbuf_text(const struct strbuf *buf)
{
	return buf->text != NULL ? buf->text : "";
}

char *
strbuf_take(struct strbuf *buf)
{
	char *text = buf->text != NULL ? TAKE(buf->text) : xstrdup("");

	strbuf_clear(buf);
	return text;
}

bool
text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
bytes_start_with(const void *bytes, size_t length, const char *prefix)
{
	size_t wanted = strlen(prefix);

	return length >= wanted && memcmp(bytes, prefix, wanted) == 0;
}

bool
text_ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

/* Unicode's table 3-7. */
size_t
text_utf8_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (bytes[0] == 0xe0)
		low = 0xa0;
	else if (bytes[0] == 0xed)
		high = 0x9f;
	else if (bytes[0] == 0xf0)
		low = 0x90;
	else if (bytes[0] == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return length;
}

char *
text_shell_word(const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789%+,-./:=@_";
	struct strbuf quoted = STRBUF_INIT;

	if (*word != '\0' && word[strspn(word, plain)] == '\0')
		return xstrdup(word);
	strbuf_adds(&quoted, "'");
	for (const char *p = word; *p != '\0'; p++)
		if (*p == '\'')
			strbuf_adds(&quoted, "'\\''");
		else
			strbuf_add(&quoted, p, 1);
	strbuf_adds(&quoted, "'");
	return strbuf_take(&quoted);
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/*
 * How many letters have to be added, left out, replaced, or exchanged with their neighbour to make
 * one short word of another (optimal string alignment); words too long to be a slip of the pen are
 * far.
 */
static size_t
edit_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t n = strlen(a), m = strlen(b), rows[3][MAX + 1];

	if (n > MAX || m > MAX)
		return MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t substitute = above[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, substitute);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    second[j - 2] + 1 < row[j])
				row[j] = second[j - 2] + 1;
		}
	}
	return rows[n % 3][m];
}

const char *
text_closest(const char *word, const char *const *words, size_t count)
{
	const char *best = NULL;
	size_t least = 3, half = strlen(word) / 2;

	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(word, words[i]);

		if (distance < least && distance <= half) {
			least = distance;
			best = words[i];
		}
	}
	return best;
}
