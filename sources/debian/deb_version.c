/* SPDX-License-Identifier: MIT */
#include "sources/debian/deb_version.h"

#include "base/alloc.h"
#include "base/ascii.h"

#include <stdbool.h>
#include <string.h>

/* The three parts, borrowed from the text. */
struct parts {
	const char *epoch, *upstream, *revision;
	size_t epoch_length, upstream_length, revision_length;
};

static struct parts
split(const char *version)
{
	const char *colon = strchr(version, ':');
	const char *upstream = colon != NULL ? colon + 1 : version;
	const char *dash = strrchr(upstream, '-');
	struct parts parts = {
		.epoch = version,
		.epoch_length = colon != NULL ? (size_t)(colon - version) : 0,
		.upstream = upstream,
		.upstream_length = dash != NULL ? (size_t)(dash - upstream) : strlen(upstream),
		.revision = dash != NULL ? dash + 1 : "",
	};

	parts.revision_length = strlen(parts.revision);
	return parts;
}

/* Policy: '~' sorts before everything, even the end of a part; letters before all other signs. */
static int
weight(char c)
{
	if (c == '~')
		return -1;
	if (ascii_is_letter(c))
		return (unsigned char)c;
	return (unsigned char)c + 256;
}

/* One character of a stretch without digits; its end counts as 0. */
static int
weight_at(const char *text, size_t length, size_t at)
{
	return at < length && !ascii_is_digit(text[at]) ? weight(text[at]) : 0;
}

/* Digits as a number of any length: leading zeros away, then the longer one, then the digits. */
static int
compare_digits(const char *a, size_t a_length, const char *b, size_t b_length)
{
	while (a_length > 0 && *a == '0')
		a++, a_length--;
	while (b_length > 0 && *b == '0')
		b++, b_length--;
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

static size_t
count_digits(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && ascii_is_digit(text[n]))
		n++;
	return n;
}

/* Stretches without and with digits in turn, until one differs. */
static int
compare_part(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t i = 0, j = 0;

	while (i < a_length || j < b_length) {
		size_t a_digits, b_digits;
		int r;

		while ((i < a_length && !ascii_is_digit(a[i])) ||
		       (j < b_length && !ascii_is_digit(b[j]))) {
			r = weight_at(a, a_length, i) - weight_at(b, b_length, j);
			if (r != 0)
				return r;
			i++;
			j++;
		}
		a_digits = count_digits(a + i, a_length - i);
		b_digits = count_digits(b + j, b_length - j);
		r = compare_digits(a + i, a_digits, b + j, b_digits);
		if (r != 0)
			return r;
		i += a_digits;
		j += b_digits;
	}
	return 0;
}

int
deb_version_compare(const char *a, const char *b)
{
	struct parts x = split(a), y = split(b);
	int r = compare_digits(x.epoch, x.epoch_length, y.epoch, y.epoch_length);

	if (r == 0)
		r = compare_part(x.upstream, x.upstream_length, y.upstream, y.upstream_length);
	if (r == 0)
		r = compare_part(x.revision, x.revision_length, y.revision, y.revision_length);
	return r;
}

static bool
made_of(const char *text, size_t length, const char *signs)
{
	for (size_t i = 0; i < length; i++)
		if (!ascii_is_digit(text[i]) && !ascii_is_letter(text[i]) &&
		    (text[i] == '\0' || strchr(signs, text[i]) == NULL))
			return false;
	return true;
}

int
deb_version_check(const char *version, struct error *err)
{
	struct parts parts = split(version);
	bool has_epoch = strchr(version, ':') != NULL;
	bool has_dash = parts.upstream[parts.upstream_length] == '-';

	if (has_epoch && (parts.epoch_length == 0 || parts.epoch_length > 9 ||
			  count_digits(parts.epoch, parts.epoch_length) != parts.epoch_length))
		return error_set(err, ERR_INPUT, "version '%s' has an epoch that is not a number",
				 version);
	if (parts.upstream_length == 0 || !ascii_is_digit(parts.upstream[0]))
		return error_set(err, ERR_INPUT, "version '%s' does not begin with a digit",
				 version);
	if (!made_of(parts.upstream, parts.upstream_length, ".+-~:"))
		return error_set(err, ERR_INPUT, "version '%s' has an invalid character", version);
	if (has_dash && parts.revision_length == 0)
		return error_set(err, ERR_INPUT, "version '%s' has an empty revision", version);
	if (!made_of(parts.revision, parts.revision_length, ".+~"))
		return error_set(err, ERR_INPUT,
				 "version '%s' has a revision with an invalid character", version);
	return 0;
}

char *
deb_version_upstream(const char *version)
{
	struct parts parts = split(version);
	size_t length = 0;

	/* "+ds" and "+dfsg" mark a repacked tarball, and QEMU's numbers never have a '+'. */
	while (length < parts.upstream_length && parts.upstream[length] != '+')
		length++;
	return xstrndup(parts.upstream, length);
}
