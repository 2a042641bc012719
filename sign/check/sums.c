/* SPDX-License-Identifier: MIT */
#include "sign/check/sums.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "model/release_version.h"

#include <string.h>

enum { NAME_AT = 66, NAME_MAX_LENGTH = 255 };

void
sums_clear(struct sums *sums)
{
	for (size_t i = 0; i < sums->count; i++)
		free(sums->entries[i].name);
	free(sums->entries);
	*sums = (struct sums)SUMS_INIT;
}

int
sums_add(struct sums *sums, const char *name, const struct digest *sha256, struct error *err)
{
	struct sums_entry *entry;

	if (!name_is_plain(name) || strlen(name) > NAME_MAX_LENGTH)
		return error_set(err, ERR_INPUT, "'%s' is not a valid asset name", name);
	if (sums->count == SUMS_MAX_FILES)
		return error_set(err, ERR_INPUT, "more than %d files", SUMS_MAX_FILES);
	sums->entries = xgrow(sums->entries, sums->count, sizeof(*sums->entries));
	entry = &sums->entries[sums->count++];
	entry->name = xstrdup(name);
	entry->sha256 = *sha256;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct sums_entry *)a)->name, ((const struct sums_entry *)b)->name);
}

int
sums_format(struct sums *sums, char **ret_text, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	char hex[DIGEST_HEX_SIZE];

	if (sums->count == 0)
		return error_set(err, ERR_INPUT, "no files to list in %s", SUMS_NAME);
	qsort(sums->entries, sums->count, sizeof(*sums->entries), by_name);
	for (size_t i = 0; i < sums->count; i++) {
		const struct sums_entry *entry = &sums->entries[i];

		if (i != 0 && strcmp(sums->entries[i - 1].name, entry->name) == 0)
			return error_set(err, ERR_INPUT, "duplicate file name '%s'", entry->name);
		strbuf_addf(&text, "%s  %s\n", digest_hex(&entry->sha256, hex), entry->name);
	}
	*ret_text = strbuf_take(&text);
	return 0;
}

/* Lower case only, so that one list has one spelling. */
static bool
parse_digest(const char *line, struct digest *ret_digest)
{
	char hex[DIGEST_HEX_SIZE];

	memcpy(hex, line, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	return strspn(hex, "0123456789abcdef") == sizeof(hex) - 1 && digest_parse(hex, ret_digest);
}

static int
parse_line(const char *line, size_t length, struct sums *sums, struct error *err)
{
	auto_free char *name = NULL;
	struct digest digest;

	if (length <= NAME_AT || !parse_digest(line, &digest) || line[64] != ' ' || line[65] != ' ')
		return error_set(err, ERR_INPUT, "expected a digest, two spaces and a name");
	if (memchr(line, '\0', length) != NULL)
		return error_set(err, ERR_INPUT, "the line contains a NUL byte");
	name = xstrndup(line + NAME_AT, length - NAME_AT);
	if (sums->count != 0 && strcmp(sums->entries[sums->count - 1].name, name) >= 0)
		return error_set(err, ERR_INPUT, "'%s' is not in sorted order", name);
	return sums_add(sums, name, &digest, err);
}

int
sums_parse(const char *text, size_t length, struct sums *ret_sums, const char *name,
	   struct error *err)
{
	AUTO(sums_clear) struct sums sums = SUMS_INIT;
	size_t number = 1;

	if (length == 0 || length > SUMS_MAX_TEXT)
		return error_set(err, ERR_INPUT, "'%s' is %s", name,
				 length == 0 ? "empty" : "too large");
	for (size_t at = 0; at < length; number++) {
		const char *end = memchr(text + at, '\n', length - at);

		if (end == NULL)
			return error_set(err, ERR_INPUT, "%s:%zu: the line is cut short", name,
					 number);
		if (parse_line(text + at, (size_t)(end - text) - at, &sums, err) < 0)
			return error_prefix(err, "%s:%zu", name, number);
		at = (size_t)(end - text) + 1;
	}
	*ret_sums = sums;
	sums = (struct sums)SUMS_INIT;
	return 0;
}

const struct sums_entry *
sums_find(const struct sums *sums, const char *name)
{
	for (size_t i = 0; i < sums->count; i++)
		if (strcmp(sums->entries[i].name, name) == 0)
			return &sums->entries[i];
	return NULL;
}

const struct sums_entry *
sums_find_digest(const struct sums *sums, const struct digest *sha256)
{
	for (size_t i = 0; i < sums->count; i++)
		if (digest_equal(&sums->entries[i].sha256, sha256))
			return &sums->entries[i];
	return NULL;
}

char *
sums_release_version(const char *text)
{
	static const char suffix[] = ".release.json";
	auto_free char *version = NULL;

	for (const char *at = text; (at = strstr(at, suffix)) != NULL; at += strlen(suffix)) {
		const char *begin = at, *found;
		auto_free char *name = NULL;

		if (at[strlen(suffix)] != '\n')
			continue;
		while (begin != text && begin[-1] != '\n' && begin[-1] != ' ')
			begin--;
		name = xstrndup(begin, (size_t)(at - begin));
		found = release_version_at_end(name);
		if (found == NULL || version != NULL)
			return NULL;
		version = xstrdup(found);
	}
	return TAKE(version);
}
