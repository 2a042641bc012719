/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * bare: strings, and output, without a C library.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define BARE_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))

bool bare_equal(const char *a, const char *b);

/* What follows `prefix` in `s`, or NULL if `s` does not begin with it. */
const char *bare_after(const char *s, const char *prefix);

bool bare_ends(const char *s, const char *end);

/*
 * Whether `name` matches `pattern`, where '*' is any text, '?' any character, '[a-c]' one of these.
 */
bool bare_glob(const char *pattern, const char *name);
bool bare_is_glob(const char *s);

/* How many characters have to be put in, left out or replaced to make one from the other. */
unsigned bare_distance(const char *a, const char *b);

/*
 * A small printf: %s, %c, %d, %u and %%.
 *
 * Returns the length of the whole text, of which at most `size` - 1 bytes are stored, always with
 * a terminating null byte. `size` is not 0.
 */
size_t bare_format(char *buf, size_t size, const char *fmt, ...) BARE_FORMAT(3, 4);

/*
 * A buffered stream. `failed` is set once and stays; what follows is dropped. With `before`
 * nothing waits: what that stream holds is written first, so that both keep their order.
 */
struct out {
	int fd;
	size_t used;
	bool failed;
	struct out *before;
	char buf[2048];
};

/* The same to a stream. Characters of %s that could control a terminal become '?'. */
void out_printf(struct out *out, const char *fmt, ...) BARE_FORMAT(2, 3);

/* As it stands, without a look at its characters. */
void out_bytes(struct out *out, const char *bytes, size_t n);

/* As a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void out_json(struct out *out, const char *s);

/* Write what is buffered. Returns 0, or -1 if anything was ever lost. */
int out_flush(struct out *out);

/* Where the program talks to; `out` comes before `err`. */
struct console {
	struct out out;
	struct out err;
};
