/* SPDX-License-Identifier: MIT */
#include "model/qemu_version.h"

#include "base/alloc.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <string.h>

enum { FIRST_CANDIDATE = 90, LAST_CANDIDATE = 99 };

/* The first two or three numbers of a version, and what stands behind them. */
struct numbers {
	unsigned int major, minor, patch;
	bool has_patch;
	const char *rest;
};

/* One number of at most four digits without a zero before it. NULL if there is none. */
static const char *
take_number(const char *text, unsigned int *ret_number)
{
	const char *end = text;
	uint64_t number;

	if (!parse_uint_prefix(&end, 9999, &number) || (text[0] == '0' && end != text + 1))
		return NULL;
	*ret_number = (unsigned int)number;
	return end;
}

static bool
take_numbers(const char *version, struct numbers *ret_numbers)
{
	struct numbers n = {.has_patch = false};

	n.rest = take_number(version, &n.major);
	if (n.rest == NULL || *n.rest != '.')
		return false;
	n.rest = take_number(n.rest + 1, &n.minor);
	if (n.rest == NULL)
		return false;
	if (*n.rest == '.') {
		n.rest = take_number(n.rest + 1, &n.patch);
		n.has_patch = n.rest != NULL;
	}
	*ret_numbers = n;
	return n.rest != NULL;
}

/* The N of "-rcN", "~rcN" or "rcN", one digit and the end. */
static bool
take_candidate(const char *rest, unsigned int *ret_number)
{
	if (*rest == '-' || *rest == '~')
		rest++;
	if (!text_starts_with(rest, "rc"))
		return false;
	rest = take_number(rest + 2, ret_number);
	return rest != NULL && *rest == '\0' && *ret_number <= LAST_CANDIDATE - FIRST_CANDIDATE;
}

/* To the next release: 10.0 is followed by 10.1, and since 4.0 a year has three. */
static void
go_on(struct numbers *n)
{
	if (n->major >= 4 && n->minor >= 2) {
		n->major++;
		n->minor = 0;
	} else {
		n->minor++;
	}
}

char *
qemu_version_plain(const char *version)
{
	struct numbers n;
	unsigned int candidate;

	if (!take_numbers(version, &n))
		return xstrdup(version);
	if (n.has_patch && *n.rest == '\0' && n.patch >= FIRST_CANDIDATE &&
	    n.patch <= LAST_CANDIDATE) {
		candidate = n.patch - FIRST_CANDIDATE;
		go_on(&n);
	} else if (n.patch != 0 || !take_candidate(n.rest, &candidate)) {
		return xstrdup(version);
	}
	return xasprintf("%u.%u-rc%u", n.major, n.minor, candidate);
}

bool
qemu_version_is_candidate(const char *version)
{
	struct numbers n;
	unsigned int candidate;

	return take_numbers(version, &n) && !n.has_patch && *n.rest == '-' &&
	       take_candidate(n.rest, &candidate);
}

bool
qemu_version_is_valid(const char *version)
{
	auto_free char *plain = qemu_version_plain(version);
	size_t numbers = strspn(version, "0123456789.");

	if (qemu_version_is_candidate(plain))
		return strcmp(plain, version) == 0;
	return numbers > 0 && version[numbers] == '\0' && version[0] != '.' &&
	       version[numbers - 1] != '.' && strchr(version, '.') != NULL &&
	       strstr(version, "..") == NULL;
}

bool
qemu_version_matches(const char *stated, const char *version)
{
	size_t length = strlen(stated);

	return strncmp(stated, version, length) == 0 &&
	       (version[length] == '\0' ||
		(version[length] == '.' && !qemu_version_is_candidate(stated)));
}
