/* SPDX-License-Identifier: MIT */
#include "sign/check/key_list.h"

#include "base/alloc.h"
#include "base/number.h"
#include "base/strbuf.h"
#include "model/release_version.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* "YYYY-MM-DD", and then the end of the line. */
static bool
is_date_line(const char *text)
{
	static const char shape[] = "dddd-dd-dd";

	for (size_t i = 0; i < strlen(shape); i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	text += strlen(shape);
	return text[0] == '\n' || text[0] == '\0' || (text[0] == '\r' && text[1] == '\n');
}

bool
key_list_stamp(const char *text, enum keyring_role role, struct keyring_stamp *ret_stamp)
{
	auto_free char *begin = xasprintf("# %s serial ", keyring_role_name(role));
	struct keyring_stamp stamp = {0, ""};

	if (!text_starts_with(text, begin))
		return false;
	text += strlen(begin);
	if (text[0] == '0' || !parse_uint_prefix(&text, KEY_LIST_MAX_SERIAL, &stamp.serial) ||
	    !parse_character(&text, ' ') || !is_date_line(text))
		return false;
	memcpy(stamp.date, text, sizeof(stamp.date) - 1);
	*ret_stamp = stamp;
	return true;
}

/* The text after its first line. */
static const char *
after_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end != NULL ? end + 1 : text + strlen(text);
}

char *
key_list_with_stamp(const char *text, enum keyring_role role, uint64_t serial, int64_t time_sec)
{
	AUTO(strbuf_clear) struct strbuf list = STRBUF_INIT;
	struct keyring_stamp old;
	time_t seconds = (time_t)time_sec;
	struct tm tm;

	if (key_list_stamp(text, role, &old))
		text = after_line(text);
	gmtime_r(&seconds, &tm);
	strbuf_addf(&list, "# %s serial %" PRIu64 " %04d-%02d-%02d\n", keyring_role_name(role),
		    serial, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	for (const char *next; *text != '\0'; text = next) {
		size_t length;

		next = after_line(text);
		length = strcspn(text, "\n");
		if (text[length] == '\n' && length != 0 && text[length - 1] == '\r')
			length--;
		strbuf_add(&list, text, length);
		strbuf_adds(&list, "\n");
	}
	return strbuf_take(&list);
}

char *
key_list_append(const char *text, const char *line)
{
	/* Editors may leave the last line without its end. */
	const char *end = *text != '\0' && !text_ends_with(text, "\n") ? "\n" : "";

	return xasprintf("%s%s%s", text, end, line);
}

static bool
is_one_of(const struct public_key *key, const struct public_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (public_key_equal(key, &keys[i]))
			return true;
	return false;
}

/* Whether one line is that of one of these keys. */
static bool
line_lists_key(const char *line, size_t length, const struct public_key *keys, size_t count)
{
	AUTO(keyring_clear) struct keyring one = KEYRING_INIT;
	struct error ignored = ERROR_INIT;

	return keyring_parse(line, length, KEYRING_ALLOWED, &one, "", &ignored) == 0 &&
	       one.count == 1 && is_one_of(&one.entries[0].key, keys, count);
}

/* Whether one line retires one of these keys. */
static bool
retires_key(const char *line, size_t length, const struct public_key *keys, size_t count)
{
	auto_free char *copy = xstrndup(line, length);
	char fingerprint[FINGERPRINT_SIZE];

	if (!text_starts_with(copy + strspn(copy, " \t"), KEY_LIST_RETIRED))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strstr(copy, public_key_fingerprint(&keys[i], fingerprint)) != NULL)
			return true;
	return false;
}

/* Copies the list without what is about these keys, or with `before` in front of their line. */
static bool
edit(const char *text, const struct public_key *keys, size_t count, const char *before,
     struct strbuf *list)
{
	bool found = false;

	for (const char *next; *text != '\0'; text = next) {
		size_t length;
		bool listed;

		next = after_line(text);
		length = strcspn(text, "\n");
		listed = line_lists_key(text, length, keys, count);
		if (retires_key(text, length, keys, count) || (listed && before == NULL))
			continue;
		if (listed && !found)
			strbuf_adds(list, before);
		found = found || listed;
		strbuf_add(list, text, (size_t)(next - text));
	}
	return found;
}

char *
key_list_without(const char *text, const struct public_key *keys, size_t count)
{
	AUTO(strbuf_clear) struct strbuf list = STRBUF_INIT;

	(void)edit(text, keys, count, NULL, &list);
	return list.text != NULL ? strbuf_take(&list) : xstrdup("");
}

int
key_list_retire(const char *text, const struct public_key *key, const char *tag, char **ret_text,
		struct error *err)
{
	AUTO(strbuf_clear) struct strbuf list = STRBUF_INIT;
	char fingerprint[FINGERPRINT_SIZE];
	auto_free char *before = NULL;

	public_key_fingerprint(key, fingerprint);
	if (tag[0] != 'v' || !release_version_is_valid(tag + 1))
		return error_set(err, ERR_INPUT, "'%s' is not a release tag, such as v10.2.2-1",
				 tag);
	before = xasprintf(KEY_LIST_RETIRED "%s %s\n", tag, fingerprint);
	if (!edit(text, key, 1, before, &list))
		return error_set(err, ERR_INPUT, "key %s is not listed", fingerprint);
	*ret_text = strbuf_take(&list);
	return 0;
}
