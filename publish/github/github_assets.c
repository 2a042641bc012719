/* SPDX-License-Identifier: MIT */
#include "publish/github/github_assets.h"

#include "base/alloc.h"

#include <string.h>

static int
read_assets(void *context, const char *text, size_t length, struct error *err)
{
	return github_parse_assets("list of assets", text, length, context, err);
}

int
github_assets_list(struct github *github, struct github_asset_list *ret_list, struct error *err)
{
	AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};
	auto_free char *path = xasprintf("releases/%llu/assets?per_page=100",
					 (unsigned long long)github->remote.id);

	if (github_each_page(github, path, GITHUB_LAG_DRAFT, read_assets, &list, err) < 0)
		return error_prefix(err, "cannot list the assets");
	*ret_list = list;
	list = (struct github_asset_list){NULL, 0};
	return 0;
}

static char *
describe_digest(const struct digest *got, const struct digest *want)
{
	char got_hex[DIGEST_HEX_SIZE], want_hex[DIGEST_HEX_SIZE];

	return xasprintf("sha256 is %s, expected %s", digest_hex(got, got_hex),
			 digest_hex(want, want_hex));
}

int
github_asset_matches(struct github *github, const struct github_asset *asset,
		     const struct publish_file *file, struct publish_result *result, char **ret_why,
		     struct error *err)
{
	struct digest sha256 = asset->sha256;

	if (!asset->uploaded) {
		*ret_why = xstrdup("its upload was interrupted");
		return 0;
	}
	if (asset->size != file->size) {
		*ret_why = xasprintf("size is %llu, expected %llu", (unsigned long long)asset->size,
				     (unsigned long long)file->size);
		return 0;
	}
	if (!asset->has_digest) {
		/* The bytes behind a number never change, so once is enough. */
		if (github_ids_has(github, &github->hashed, asset->id))
			return 1;
		if (github_hash_asset(github, asset, &sha256, err) < 0)
			return -1;
		(void)pthread_mutex_lock(&github->lock);
		result->downloads++;
		(void)pthread_mutex_unlock(&github->lock);
	}
	if (!digest_equal(&sha256, &file->sha256)) {
		*ret_why = describe_digest(&sha256, &file->sha256);
		return 0;
	}
	if (!asset->has_digest)
		github_ids_add(github, &github->hashed, asset->id);
	return 1;
}

static const struct github_asset *
find_asset(const struct github_asset_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

/* What one look at the list has found. */
struct look {
	struct publish_differences differences;
	bool late; /* each of them may come from a list that lags */
};

static void
look_clear(struct look *look)
{
	publish_differences_clear(&look->differences);
}

/*
 * A list that lags lacks files, has them unfinished, and still has what this run has removed. The
 * bytes of a file that is there are never the fault of the list.
 */
static void
add_difference(struct github *github, struct look *look, const char *name, const char *why,
	       const struct github_asset *asset)
{
	look->late = look->late && (asset == NULL || !asset->uploaded ||
				    github_ids_has(github, &github->removed, asset->id));
	publish_differences_add(&look->differences, name, why);
}

static int
look_once(struct github *github, const struct publication *release, struct publish_result *result,
	  struct look *look, struct error *err)
{
	AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};

	if (github_assets_list(github, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < release->count; i++) {
		const struct publish_file *file = &release->files[i];
		const struct github_asset *asset = find_asset(&list, file->name);
		auto_free char *why = NULL;
		int same = 0;

		if (asset == NULL)
			why = xstrdup("missing");
		else
			same = github_asset_matches(github, asset, file, result, &why, err);
		if (same < 0)
			return -1;
		if (same == 0)
			add_difference(github, look, file->name, why, asset);
	}
	for (size_t i = 0; i < list.count; i++)
		if (publication_find(release, list.items[i].name) == NULL)
			add_difference(github, look, list.items[i].name,
				       "does not belong to this release", &list.items[i]);
	return 0;
}

int
github_assets_compare(struct github *github, const struct publication *release,
		      struct publish_result *result, struct error *err)
{
	for (unsigned int looks = 1;; looks++) {
		AUTO(look_clear)
		struct look look = {.differences = PUBLISH_DIFFERENCES_INIT, .late = true};
		struct error different;
		auto_free char *why = NULL;
		int again;

		if (look_once(github, release, result, &look, err) < 0)
			return -1;
		if (publish_differences_check(&look.differences, err) == 0)
			return 0;
		if (!look.late)
			return -1;
		different = *err;
		why = xasprintf("GitHub does not list all files yet: %s", different.message);
		again = github_look_again(github, GITHUB_LAG_ASSETS, looks, why, err);
		if (again < 0)
			return -1;
		if (again > 0)
			continue;
		/* Nobody here knows that they were ever there. */
		if (result->was_there) {
			*err = different;
			return -1;
		}
		return error_set(err, ERR_NETWORK, "%s; run the same command again later", why);
	}
}

int
github_asset_remove(struct github *github, const struct github_asset *asset, const char *why,
		    struct publish_result *result, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	auto_free char *path = xasprintf("releases/assets/%llu", (unsigned long long)asset->id);
	auto_free char *url = github_url(github, path);
	const struct github_request request = {
		.kind = GITHUB_CHANGE, .method = "DELETE", .url = url};

	github_notice(github, "%s '%s' from the draft: %s",
		      github->options.dry_run ? "would remove" : "removing", asset->name, why);
	(void)pthread_mutex_lock(&github->lock);
	result->removed++;
	(void)pthread_mutex_unlock(&github->lock);
	github_ids_add(github, &github->removed, asset->id);
	if (github->options.dry_run)
		return 0;
	if (github_call(github, &request, &answer, err) < 0 && err->code != ERR_NOT_FOUND)
		return error_prefix(err, "cannot remove '%s'", asset->name);
	return 0;
}
