/* SPDX-License-Identifier: MIT */
#include "sources/checksums.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <string.h>

enum { HEX_LENGTH = DIGEST_HEX_SIZE - 1, MAX_FILES = 10000 };

void
checksums_clear(struct checksums *checksums)
{
	for (size_t i = 0; i < checksums->count; i++)
		free(checksums->items[i].name);
	free(checksums->items);
	*checksums = (struct checksums)CHECKSUMS_INIT;
}

const struct checksum *
checksums_find(const struct checksums *checksums, const char *name)
{
	for (size_t i = 0; i < checksums->count; i++)
		if (strcmp(checksums->items[i].name, name) == 0)
			return &checksums->items[i];
	return NULL;
}

static int
add(struct checksums *checksums, const char *name, const struct digest *sha256, struct error *err)
{
	const struct checksum *old = checksums_find(checksums, name);
	struct checksum *item;

	if (old != NULL && digest_equal(&old->sha256, sha256))
		return 0;
	if (old != NULL)
		return error_set(err, ERR_INPUT, "'%s' is listed with two different digests", name);
	if (checksums->count == MAX_FILES)
		return error_set(err, ERR_INPUT, "more than %d files", MAX_FILES);
	checksums->items = xgrow(checksums->items, checksums->count, sizeof(*checksums->items));
	item = &checksums->items[checksums->count++];
	item->name = xstrdup(name);
	item->sha256 = *sha256;
	return 0;
}

/* "SHA256 (NAME) = DIGITS": the digits are the last 64, so that a name may have anything in it. */
static int
parse_bsd(struct checksums *checksums, char *text, size_t length, struct error *err)
{
	static const char start[] = "SHA256 (", end[] = ") = ";
	size_t around = strlen(start) + strlen(end) + HEX_LENGTH;
	char *hex = text + length - HEX_LENGTH;
	struct digest sha256;

	if (length <= around || memcmp(hex - strlen(end), end, strlen(end)) != 0 ||
	    !digest_parse(hex, &sha256))
		return error_set(err, ERR_INPUT, "expected 'SHA256 (NAME) = ' and a SHA-256");
	hex[-(ptrdiff_t)strlen(end)] = '\0';
	text += strlen(start);
	return add(checksums, text_starts_with(text, "./") ? text + 2 : text, &sha256, err);
}

/* A line that begins with a backslash has an escaped name, as only names with line ends need. */
static int
parse_line(struct checksums *checksums, const char *line, size_t length, struct error *err)
{
	char hex[DIGEST_HEX_SIZE];
	auto_free char *text = NULL;
	const char *name;
	struct digest sha256;

	if (memchr(line, '\0', length) != NULL)
		return error_set(err, ERR_INPUT, "the line contains a NUL byte");
	text = xstrndup(line, length);
	if (text_starts_with(text, "SHA256 ("))
		return parse_bsd(checksums, text, length, err);
	if (length < HEX_LENGTH + 3 || text[HEX_LENGTH] != ' ' ||
	    (text[HEX_LENGTH + 1] != ' ' && text[HEX_LENGTH + 1] != '*'))
		return error_set(err, ERR_INPUT,
				 "expected a SHA-256, two spaces and a name, or 'SHA256 (NAME) = ' "
				 "and a SHA-256");
	memcpy(hex, text, HEX_LENGTH);
	hex[HEX_LENGTH] = '\0';
	if (!digest_parse(hex, &sha256))
		return error_set(err, ERR_INPUT, "'%s' is not a SHA-256", hex);
	name = text + HEX_LENGTH + 2;
	if (text_starts_with(name, "./"))
		name += 2;
	return add(checksums, name, &sha256, err);
}

int
checksums_parse(const char *text, size_t length, const char *name, struct checksums *ret_checksums,
		struct error *err)
{
	AUTO(checksums_clear) struct checksums checksums = CHECKSUMS_INIT;
	size_t number = 0;

	for (size_t at = 0; at < length;) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t line = end != NULL ? (size_t)(end - text) - at : length - at;
		size_t next = at + line + 1;

		number++;
		if (line > 0 && text[at + line - 1] == '\r')
			line--;
		if (line > 0 && text[at] != '#' && parse_line(&checksums, text + at, line, err) < 0)
			return error_prefix(err, "%s:%zu", name, number);
		at = next;
	}
	*ret_checksums = checksums;
	checksums = (struct checksums)CHECKSUMS_INIT;
	return 0;
}
