/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm_version.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *
skip_separators(const char *p)
{
	while (*p != '\0' && !ascii_is_digit(*p) && !ascii_is_letter(*p) && *p != '~' && *p != '^')
		p++;
	return p;
}

static size_t
run_length(const char *p, bool (*member)(char c))
{
	size_t length = 0;

	while (member(p[length]))
		length++;
	return length;
}

/* Numbers of any length: without leading zeros the longer one is the larger one. */
static int
compare_numbers(const char *a, size_t a_length, const char *b, size_t b_length)
{
	for (; a_length > 0 && *a == '0'; a_length--)
		a++;
	for (; b_length > 0 && *b == '0'; b_length--)
		b++;
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

static int
compare_words(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	if (order != 0)
		return order;
	return (a_length > b_length) - (a_length < b_length);
}

/* Both stand at a '~' or '^', or one of them does. 0 and both moved on if both do. */
static int
compare_marks(const char **a, const char **b)
{
	if (**a == '~' || **b == '~') {
		if (**a != '~')
			return 1;
		if (**b != '~')
			return -1;
	} else {
		/* "1.0^git" is after "1.0", but before "1.0.1". */
		if (**a == '\0')
			return -1;
		if (**b == '\0')
			return 1;
		if (**a != '^')
			return 1;
		if (**b != '^')
			return -1;
	}
	(*a)++;
	(*b)++;
	return 0;
}

/* A run of digits or of letters, whichever `a` begins with; a number is newer than a word. */
static int
compare_runs(const char **a, const char **b)
{
	bool digits = ascii_is_digit(**a);
	size_t a_length = run_length(*a, digits ? ascii_is_digit : ascii_is_letter);
	size_t b_length = run_length(*b, digits ? ascii_is_digit : ascii_is_letter);
	int order;

	if (b_length == 0)
		return digits ? 1 : -1;
	order = digits ? compare_numbers(*a, a_length, *b, b_length)
		       : compare_words(*a, a_length, *b, b_length);
	*a += a_length;
	*b += b_length;
	return order;
}

int
rpm_version_compare(const char *a, const char *b)
{
	int order = 0;

	while (order == 0) {
		a = skip_separators(a);
		b = skip_separators(b);
		if (*a == '~' || *b == '~' || *a == '^' || *b == '^')
			order = compare_marks(&a, &b);
		else if (*a == '\0' || *b == '\0')
			return (*a != '\0') - (*b != '\0');
		else
			order = compare_runs(&a, &b);
	}
	return order;
}

struct evr {
	char *text;
	const char *epoch, *version;
	const char *release; /* NULL if there is none */
};

static struct evr
split(const char *text)
{
	struct evr evr = {.text = xstrdup(text), .epoch = "0"};
	char *colon = strchr(evr.text, ':');
	char *dash = strrchr(evr.text, '-');

	evr.version = evr.text;
	if (colon != NULL) {
		*colon = '\0';
		evr.epoch = evr.text;
		evr.version = colon + 1;
	}
	if (dash != NULL && dash > colon) {
		*dash = '\0';
		evr.release = dash + 1;
	}
	return evr;
}

int
rpm_evr_compare(const char *a, const char *b)
{
	struct evr x = split(a), y = split(b);
	int order = rpm_version_compare(x.epoch, y.epoch);

	if (order == 0)
		order = rpm_version_compare(x.version, y.version);
	if (order == 0 && x.release != NULL && y.release != NULL)
		order = rpm_version_compare(x.release, y.release);
	free(x.text);
	free(y.text);
	return order;
}
