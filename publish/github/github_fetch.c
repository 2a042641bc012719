/* SPDX-License-Identifier: MIT */
#include "publish/github/github.h"

#include "base/alloc.h"
#include "base/file.h"
#include "publish/github/github_assets.h"
#include "publish/github/github_draft.h"
#include "publish/github/github_search.h"

#include <string.h>
#include <unistd.h>

static int
fetch_asset(struct github *github, const struct github_asset *asset, const char *path,
	    struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	struct digest sha256;

	if (asset->size > GITHUB_MAX_FETCHED)
		return error_set(err, ERR_REMOTE, "'%s' on GitHub is too large: %llu bytes",
				 asset->name, (unsigned long long)asset->size);
	if (tempfile_open(&tmp, path, 0644, err) < 0 ||
	    github_read_asset(github, asset, tmp.fd, &sha256, err) < 0)
		return -1;
	return tempfile_commit(&tmp, err);
}

static const struct github_asset *
find_asset(const struct github_asset_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].uploaded && strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

/* Published, else a draft: 1, 0 when there is neither, or -1. */
static int
find_release(struct github *github, const char *tag, struct error *err)
{
	auto_free char *path = xasprintf("releases/tags/%s", tag);
	int found;

	github_release_clear(&github->remote);
	found = github_release_get(github, path, GITHUB_LAG_NONE, &github->remote, err);
	return found != 0 ? found : github_draft_find(github, tag, &github->remote, err);
}

int
github_fetch(struct github *github, const char *tag, const char *const *names, size_t count,
	     const char *directory, struct error *err)
{
	AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};
	int found = find_release(github, tag, err), fetched = 0;

	if (found <= 0)
		return found;
	if (github_assets_list(github, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct github_asset *asset = find_asset(&list, names[i]);
		auto_free char *path = path_join(directory, names[i]);

		bool there = false;

		if (path_exists(path, &there, err) < 0)
			return -1;
		if (asset == NULL || there)
			continue;
		if (fetch_asset(github, asset, path, err) < 0)
			return -1;
		fetched++;
	}
	return fetched;
}
