/* SPDX-License-Identifier: MIT */
#include "register/entry.h"

#include "register/bare.h"

/*
 * The file's lines, the last one only if a mask was given:
 *
 *     enabled
 *     interpreter /usr/bin/qemu-aarch64-static
 *     flags: OCF
 *     offset 0
 *     magic 7f454c46...
 *     mask ffffffff...
 *
 * A format that is known by its file extension has "extension .foo" instead of the last three.
 */

/* Copy `n` bytes as a string. */
static int
copy(char *to, size_t size, const char *from, size_t n)
{
	if (n >= size)
		return -1;
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
	to[n] = '\0';
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int
parse_hex(const char *text, size_t n, uint8_t *bytes, size_t *ret_length)
{
	if (n % 2 != 0 || n / 2 > ENTRY_BYTES_MAX)
		return -1;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	*ret_length = n / 2;
	return 0;
}

static int
parse_number(const char *text, size_t n, unsigned *ret_number)
{
	unsigned number = 0;

	if (n == 0 || n > 6)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	*ret_number = number;
	return 0;
}

/* The length of `prefix` if the line begins with it, else 0. */
static size_t
begins(const char *line, size_t n, const char *prefix)
{
	size_t i = 0;

	for (; prefix[i] != '\0'; i++)
		if (i >= n || line[i] != prefix[i])
			return 0;
	return i;
}

static bool
is_line(const char *line, size_t n, const char *text)
{
	return n > 0 && begins(line, n, text) == n;
}

/* Lines of other words, which a newer kernel may have, are passed over. */
static int
parse_line(const char *line, size_t n, struct entry *entry)
{
	size_t skip;

	if ((skip = begins(line, n, "interpreter ")) > 0)
		return copy(entry->interpreter, sizeof(entry->interpreter), line + skip, n - skip);
	if ((skip = begins(line, n, "flags: ")) > 0)
		return copy(entry->flags, sizeof(entry->flags), line + skip, n - skip);
	if ((skip = begins(line, n, "offset ")) > 0)
		return parse_number(line + skip, n - skip, &entry->offset);
	if ((skip = begins(line, n, "magic ")) > 0)
		return parse_hex(line + skip, n - skip, entry->magic, &entry->magic_length);
	if ((skip = begins(line, n, "mask ")) > 0)
		return parse_hex(line + skip, n - skip, entry->mask, &entry->mask_length);
	return 0;
}

int
entry_parse(const char *text, size_t size, struct entry *ret_entry)
{
	size_t start = 0, line_number = 0;

	*ret_entry = (struct entry){.enabled = false};
	while (start < size) {
		size_t end = start;

		while (end < size && text[end] != '\n')
			end++;
		if (line_number++ == 0) {
			ret_entry->enabled = is_line(text, end, "enabled");
			if (!ret_entry->enabled && !is_line(text, end, "disabled"))
				return -1;
		} else if (parse_line(text + start, end - start, ret_entry) < 0) {
			return -1;
		}
		start = end + 1;
	}
	return ret_entry->interpreter[0] != '\0' ? 0 : -1;
}

/* A mask that is not there means that every bit counts. */
bool
entry_is_for(const struct entry *entry, const struct binfmt_target *target)
{
	if (entry->offset != 0 || entry->magic_length != target->length)
		return false;
	for (size_t i = 0; i < target->length; i++) {
		uint8_t mask = i < entry->mask_length ? entry->mask[i] : 0xff;

		if (mask != (uint8_t)target->mask[i] ||
		    entry->magic[i] != (uint8_t)target->magic[i])
			return false;
	}
	return true;
}

static bool
has_letter(const char *s, char letter)
{
	for (; *s != '\0'; s++)
		if (*s == letter)
			return true;
	return false;
}

bool
entry_runs(const struct entry *entry, const char *interpreter, const char *flags)
{
	for (const char *p = "POCF"; *p != '\0'; p++)
		if (has_letter(entry->flags, *p) != has_letter(flags, *p))
			return false;
	return bare_equal(entry->interpreter, interpreter);
}
