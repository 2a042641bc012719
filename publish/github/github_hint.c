/* SPDX-License-Identifier: MIT */
#include "publish/github/github_hint.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "publish/github/github_search.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

enum { MAX_HINT = 4096 };

/* The number in the file, or 0 when it says nothing about this repository and tag. */
static int
read_hint(const struct github *github, const char *tag, uint64_t *ret_id, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	auto_free char *text = NULL;
	const char *repository, *written_tag;
	size_t length;

	*ret_id = 0;
	if (read_file(github->hint_path, MAX_HINT, &text, &length, err) < 0)
		return err->code == ERR_NOT_FOUND || err->code == ERR_INPUT ? 0 : -1;
	if (jsonx_parse(github->hint_path, text, length, &doc, err) < 0)
		return 0;
	repository = json_string_value(json_object_get(doc.root, "repository"));
	written_tag = json_string_value(json_object_get(doc.root, "tag"));
	if (repository != NULL && strcmp(repository, github->repository) == 0 &&
	    written_tag != NULL && strcmp(written_tag, tag) == 0 &&
	    json_integer_value(json_object_get(doc.root, "draft")) > 0)
		*ret_id = (uint64_t)json_integer_value(json_object_get(doc.root, "draft"));
	return 0;
}

int
github_hint_find(struct github *github, const char *tag, struct github_release *ret_draft,
		 struct error *err)
{
	AUTO(github_release_clear) struct github_release there = {.tag = NULL};
	auto_free char *path = NULL;
	uint64_t id;
	int found;

	if (github->hint_path == NULL)
		return 0;
	if (read_hint(github, tag, &id, err) < 0)
		return -1;
	if (id == 0)
		return 0;
	path = xasprintf("releases/%llu", (unsigned long long)id);
	found = github_release_get(github, path, GITHUB_LAG_LISTED, &there, err);
	if (found <= 0)
		return found;
	if (!there.draft || there.id != id || strcmp(there.tag, tag) != 0)
		return 0;
	*ret_draft = there;
	there = (struct github_release){.tag = NULL};
	return 1;
}

int
github_hint_write(struct github *github, const char *tag, struct error *err)
{
	auto_free char *text = NULL;
	json_t *object;

	if (github->hint_path == NULL || github->options.dry_run)
		return 0;
	object = jsonx_pack("{s:s, s:s, s:I}", "repository", github->repository, "tag", tag,
			    "draft", (json_int_t)github->remote.id);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (text == NULL)
		return error_set(err, ERR_IO, "cannot write '%s'", github->hint_path);
	return write_file(github->hint_path, text, strlen(text), 0644, err);
}

int
github_hint_remove(struct github *github, struct error *err)
{
	if (github->hint_path == NULL || github->options.dry_run)
		return 0;
	if (unlink(github->hint_path) < 0 && errno != ENOENT)
		return error_set_errno(err, ERR_IO, "cannot remove '%s'", github->hint_path);
	return 0;
}
