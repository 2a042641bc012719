/* SPDX-License-Identifier: MIT */
#include "publish/publication.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>

/* GitHub's limits. An asset of exactly 2 GiB has been refused. */
enum { MAX_FILES = 1000 };

/* Differences that are named. */
enum { MAX_NAMED = 5 };

static const uint64_t MAX_FILE_BYTES = (UINT64_C(1) << 31) - 1;

void
publish_result_clear(struct publish_result *result)
{
	free(result->url);
	*result = (struct publish_result)PUBLISH_RESULT_INIT;
}

const struct publish_file *
publication_find(const struct publication *release, const char *name)
{
	for (size_t i = 0; i < release->count; i++)
		if (strcmp(release->files[i].name, name) == 0)
			return &release->files[i];
	return NULL;
}

static int
check_file(const struct publication *release, const struct publish_file *file, struct error *err)
{
	if (!name_is_plain(file->name))
		return error_set(
			err, ERR_INPUT,
			"'%s' is not a valid name for a release file: GitHub changes names with "
			"characters other than letters, digits, '.', '_' and '-'",
			file->name);
	if (publication_find(release, file->name) != file)
		return error_set(err, ERR_INPUT, "duplicate '%s'", file->name);
	if (file->size == 0)
		return error_set(err, ERR_INPUT, "'%s' is empty", file->path);
	if (file->size > MAX_FILE_BYTES)
		return error_set(err, ERR_INPUT,
				 "'%s' is too large: %llu bytes; GitHub accepts less than 2 GiB",
				 file->path, (unsigned long long)file->size);
	return 0;
}

int
publication_check(const struct publication *release, struct error *err)
{
	if (!name_is_plain(release->tag))
		return error_set(err, ERR_INPUT, "'%s' is not a valid release name", release->tag);
	if (release->count == 0)
		return error_set(err, ERR_INPUT, "release '%s' has no files", release->tag);
	if (release->count > MAX_FILES)
		return error_set(err, ERR_INPUT,
				 "release '%s' has %zu files; GitHub accepts at most %d",
				 release->tag, release->count, (int)MAX_FILES);
	for (size_t i = 0; i < release->count; i++)
		if (check_file(release, &release->files[i], err) < 0)
			return -1;
	return 0;
}

void
publish_differences_clear(struct publish_differences *differences)
{
	strbuf_clear(&differences->text);
}

void
publish_differences_add(struct publish_differences *differences, const char *name, const char *why)
{
	if (++differences->count <= MAX_NAMED)
		strbuf_addf(&differences->text, "%s'%s': %s", differences->count > 1 ? "; " : "",
			    name, why);
}

int
publish_differences_check(struct publish_differences *differences, struct error *err)
{
	if (differences->count == 0)
		return 0;
	if (differences->count > MAX_NAMED)
		strbuf_addf(&differences->text, "; and %zu more", differences->count - MAX_NAMED);
	return error_set(err, ERR_VERIFY, "%s", strbuf_text(&differences->text));
}
