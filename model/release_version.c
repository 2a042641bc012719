/* SPDX-License-Identifier: MIT */
#include "model/release_version.h"

#include <stddef.h>
#include <string.h>

static const char digits[] = "0123456789";

static size_t
digits_at(const char *text)
{
	return strspn(text, digits);
}

/* The length of the QEMU version in front, without a candidate's number; 0 if there is none. */
static size_t
version_base(const char *text)
{
	size_t length = digits_at(text), parts = 1;

	if (length == 0)
		return 0;
	while (text[length] == '.') {
		size_t next = digits_at(text + length + 1);

		if (next == 0)
			return 0;
		length += 1 + next;
		parts++;
	}
	return parts > 1 ? length : 0;
}

bool
release_version_is_valid(const char *version)
{
	size_t length = version_base(version), next;

	if (length == 0)
		return false;
	version += length;
	if (strncmp(version, "-rc", 3) == 0) {
		next = digits_at(version + 3);
		if (next == 0)
			return false;
		version += 3 + next;
	}
	if (version[0] != '-')
		return false;
	next = digits_at(version + 1);
	return next != 0 && version[1 + next] == '\0';
}

/* Numbers of any length; both pointers are moved past theirs. */
static int
compare_digits(const char **a, const char **b)
{
	size_t a_length, b_length;
	int result;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	a_length = digits_at(*a);
	b_length = digits_at(*b);
	if (a_length != b_length)
		result = a_length < b_length ? -1 : 1;
	else
		result = memcmp(*a, *b, a_length);
	*a += a_length;
	*b += b_length;
	return result;
}

/* QEMU's numbers; a missing one is 0. */
static int
compare_bases(const char **a, const char **b)
{
	for (;;) {
		int result = compare_digits(a, b);

		if (result != 0)
			return result;
		if (**a != '.' && **b != '.')
			return 0;
		*a += **a == '.';
		*b += **b == '.';
	}
}

static bool
is_candidate_at(const char *text)
{
	return strncmp(text, "-rc", 3) == 0 && digits_at(text + 3) != 0;
}

static bool
skip_candidate(const char **text)
{
	bool is_candidate = is_candidate_at(*text);

	*text += is_candidate ? 3 : 0;
	return is_candidate;
}

int
release_version_compare(const char *a, const char *b)
{
	int result = compare_bases(&a, &b);
	bool a_candidate, b_candidate;

	if (result != 0)
		return result;
	a_candidate = skip_candidate(&a);
	b_candidate = skip_candidate(&b);
	if (a_candidate != b_candidate)
		return a_candidate ? -1 : 1;
	result = a_candidate ? compare_digits(&a, &b) : 0;
	if (result != 0)
		return result;
	if (a[0] == '-' && b[0] == '-' && digits_at(a + 1) != 0 && digits_at(b + 1) != 0) {
		a++;
		b++;
		result = compare_digits(&a, &b);
	}
	return result != 0 ? result : strverscmp(a, b);
}

bool
release_tag_is_version(const char *tag)
{
	return tag[0] == 'v' && digits_at(tag + 1) != 0;
}

int
release_tag_compare(const char *a, const char *b)
{
	int result = release_version_compare(a + 1, b + 1);

	return result != 0 ? result : strcmp(a, b);
}

static bool
is_tag_of_candidate(const char *tag)
{
	return release_tag_is_version(tag) &&
	       is_candidate_at(tag + 1 + strspn(tag + 1, "0123456789."));
}

bool
release_tag_takes_latest(const char *tag, const char *latest)
{
	if (latest == NULL)
		return true;
	if (is_tag_of_candidate(tag) && !is_tag_of_candidate(latest))
		return false;
	return !release_tag_is_version(latest) || release_tag_compare(tag, latest) >= 0;
}

const char *
release_version_at_end(const char *name)
{
	for (const char *at = name; at != NULL; at = strchr(at, '-')) {
		at += *at == '-';
		if (release_version_is_valid(at))
			return at;
	}
	return NULL;
}
