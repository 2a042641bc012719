/* SPDX-License-Identifier: MIT */
#include "register/bare.h"

#include <linux/errno.h>
#include <stdint.h>

#include "register/sys.h"

/* Names are short; longer ones are never a slip of the finger. */
#define DISTANCE_MAX 32

static const unsigned powers_of_ten[] = {1000000000, 100000000, 10000000, 1000000, 100000,
					 10000,      1000,      100,      10,      1};

static size_t
length(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

bool
bare_equal(const char *a, const char *b)
{
	const char *rest = bare_after(a, b);

	return rest != NULL && *rest == '\0';
}

const char *
bare_after(const char *s, const char *prefix)
{
	for (; *prefix != '\0'; s++, prefix++)
		if (*s != *prefix)
			return NULL;
	return s;
}

bool
bare_ends(const char *s, const char *end)
{
	size_t n = length(s), tail = length(end);

	return n >= tail && bare_equal(s + n - tail, end);
}

bool
bare_is_glob(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '*' || *s == '?' || *s == '[')
			return true;
	return false;
}

/* Match one character against what stands in brackets; NULL if the bracket is never closed. */
static const char *
glob_set(const char *pattern, char c, bool *ret_match)
{
	bool negated = *pattern == '!' || *pattern == '^', found = false;
	const char *p = negated ? pattern + 1 : pattern;

	do {
		char low = *p, high = low;

		if (low == '\0')
			return NULL;
		if (p[1] == '-' && p[2] != ']' && p[2] != '\0') {
			high = p[2];
			p += 2;
		}
		if (c >= low && c <= high)
			found = true;
		p++;
	} while (*p != ']');
	*ret_match = found != negated;
	return p + 1;
}

bool
bare_glob(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name != '\0') {
		const char *next = pattern + 1;
		bool match = *pattern == *name;

		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
			continue;
		}
		if (*pattern == '?') {
			match = true;
		} else if (*pattern == '[') {
			const char *end = glob_set(pattern + 1, *name, &match);

			if (end != NULL)
				next = end;
		}
		if (*pattern != '\0' && match) {
			pattern = next;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

unsigned
bare_distance(const char *a, const char *b)
{
	unsigned row[DISTANCE_MAX + 1];
	size_t la = length(a), lb = length(b);

	if (la > DISTANCE_MAX || lb > DISTANCE_MAX)
		return DISTANCE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned corner = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = corner + (a[i - 1] != b[j - 1] ? 1 : 0);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

static void
put(struct out *out, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (out->used == sizeof(out->buf))
			out_flush(out);
		out->buf[out->used++] = bytes[i];
	}
}

/* Around everything that is put into a stream: see `before`. */
static void
begin(struct out *out)
{
	if (out->before != NULL)
		out_flush(out->before);
}

static void
end(struct out *out)
{
	if (out->before != NULL)
		out_flush(out);
}

/* Where formatted text goes: into `buf`, or to a stream. */
struct sink {
	struct out *out;
	char *buf;
	size_t size;
	size_t used;
};

static void
sink_put(struct sink *sink, char c)
{
	if (sink->out != NULL)
		put(sink->out, &c, 1);
	else if (sink->used + 1 < sink->size)
		sink->buf[sink->used] = c;
	sink->used++;
}

static void
sink_string(struct sink *sink, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		sink_put(sink, sink->out != NULL && (c < 0x20 || c == 0x7f) ? '?' : *s);
	}
}

/* By subtraction: not every processor has a division, and there is no library to do it. */
static void
sink_number(struct sink *sink, unsigned n)
{
	bool begun = false;

	for (unsigned i = 0; i < sizeof(powers_of_ten) / sizeof(powers_of_ten[0]); i++) {
		unsigned power = powers_of_ten[i];
		char digit = '0';

		for (; n >= power; n -= power)
			digit++;
		begun = begun || digit != '0' || power == 1;
		if (begun)
			sink_put(sink, digit);
	}
}

static void
sink_format(struct sink *sink, const char *fmt, va_list args)
{
	for (; *fmt != '\0'; fmt++) {
		int number;

		if (*fmt != '%') {
			sink_put(sink, *fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			sink_string(sink, va_arg(args, const char *));
			break;
		case 'c':
			sink_put(sink, (char)va_arg(args, int));
			break;
		case 'u':
			sink_number(sink, va_arg(args, unsigned));
			break;
		case 'd':
			number = va_arg(args, int);
			if (number < 0)
				sink_put(sink, '-');
			sink_number(sink, number < 0 ? 0U - (unsigned)number : (unsigned)number);
			break;
		default:
			sink_put(sink, *fmt);
			break;
		}
	}
}

size_t
bare_format(char *buf, size_t size, const char *fmt, ...)
{
	struct sink sink = {.buf = buf, .size = size};
	va_list args;

	va_start(args, fmt);
	sink_format(&sink, fmt, args);
	va_end(args);
	buf[sink.used < size ? sink.used : size - 1] = '\0';
	return sink.used;
}

void
out_printf(struct out *out, const char *fmt, ...)
{
	struct sink sink = {.out = out};
	va_list args;

	begin(out);
	va_start(args, fmt);
	sink_format(&sink, fmt, args);
	va_end(args);
	end(out);
}

void
out_bytes(struct out *out, const char *bytes, size_t n)
{
	begin(out);
	put(out, bytes, n);
	end(out);
}

/* The number of bytes of the UTF-8 character that `s` begins with, or 0 if it is none. */
static size_t
utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char lead_low, lead_high, next_low, next_high;
		size_t length;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].lead_low || s[0] > forms[i].lead_high)
			continue;
		if (s[1] < forms[i].next_low || s[1] > forms[i].next_high)
			return 0;
		for (size_t j = 2; j < forms[i].length; j++)
			if ((s[j] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

void
out_json(struct out *out, const char *s)
{
	static const char digits[] = "0123456789abcdef";

	out_bytes(out, "\"", 1);
	while (*s != '\0') {
		unsigned char c = (unsigned char)*s;
		size_t n = 1;

		if (c == '"' || c == '\\') {
			out_bytes(out, "\\", 1);
			out_bytes(out, s, 1);
		} else if (c < 0x20 || c == 0x7f) {
			out_printf(out, "\\u00%c%c", digits[c >> 4], digits[c & 15]);
		} else if (c < 0x80) {
			out_bytes(out, s, 1);
		} else {
			n = utf8_length((const unsigned char *)s);
			if (n > 0)
				out_bytes(out, s, n);
			else
				out_printf(out, "\\ufffd");
			n = n > 0 ? n : 1;
		}
		s += n;
	}
	out_bytes(out, "\"", 1);
}

int
out_flush(struct out *out)
{
	size_t done = 0;

	while (done < out->used && !out->failed) {
		long n = sys_write(out->fd, out->buf + done, out->used - done);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			out->failed = true;
		else
			done += (size_t)n;
	}
	out->used = 0;
	return out->failed ? -1 : 0;
}
