/* SPDX-License-Identifier: MIT */
#include "publish/git/git_push_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

/*
 * Where git pushes to (git-push(1), "remote.NAME.pushurl", "url.BASE.insteadOf"):
 *
 *     remote.NAME.pushurl          all of them, each rewritten by insteadOf
 *     else remote.NAME.url         those that a pushInsteadOf fits, rewritten by it
 *     else remote.NAME.url         all of them, each rewritten by insteadOf
 *
 * Of several bases that fit the longest counts. An empty value forgets those before it.
 */

/* The part of "SECTION.SUBSECTION.KEY" in the middle, to be freed by the caller, or NULL. */
static char *
subsection(const char *name, const char *section, const char *key)
{
	size_t length = strlen(name), before = strlen(section), after = strlen(key);

	if (length <= before + after || !text_starts_with(name, section) ||
	    strcmp(name + length - after, key) != 0)
		return NULL;
	return xstrndup(name + before, length - before - after);
}

struct rewriting {
	const char *key; /* ".insteadof" */
	const char *url;
	size_t best; /* length of the prefix that fits */
	char *result;
};

static void
visit_rewrite(const char *name, const char *value, void *to)
{
	struct rewriting *r = to;
	auto_free char *base = subsection(name, "url.", r->key);

	if (base == NULL || strlen(value) <= r->best || !text_starts_with(r->url, value))
		return;
	free(r->result);
	r->best = strlen(value);
	r->result = xasprintf("%s%s", base, r->url + r->best);
}

/* Adds the URL as `key` makes it; where nothing fits, itself or not at all. */
static int
add_rewritten(git_config *config, const char *key, const char *url, bool or_itself,
	      struct words *urls, struct error *err)
{
	struct rewriting r = {.key = key, .url = url};
	auto_free char *result = NULL;

	if (repo_config_each(config, visit_rewrite, &r, err) < 0) {
		free(r.result);
		return -1;
	}
	result = r.result;
	if (result != NULL || or_itself)
		words_add(urls, result != NULL ? result : url);
	return 0;
}

struct reading {
	const char *remote;
	struct words urls, push_urls;
};

static void
take_url(const char *value, struct words *urls)
{
	if (*value == '\0')
		words_clear(urls);
	else
		words_add(urls, value);
}

static void
visit_remote(const char *name, const char *value, void *to)
{
	struct reading *reading = to;
	auto_free char *url = subsection(name, "remote.", ".url");
	auto_free char *push_url = subsection(name, "remote.", ".pushurl");

	if (url != NULL && strcmp(url, reading->remote) == 0)
		take_url(value, &reading->urls);
	else if (push_url != NULL && strcmp(push_url, reading->remote) == 0)
		take_url(value, &reading->push_urls);
}

static int
rewrite_all(git_config *config, const struct words *from, const char *key, bool or_itself,
	    struct words *to, struct error *err)
{
	for (size_t i = 0; i < from->count; i++)
		if (add_rewritten(config, key, from->items[i], or_itself, to, err) < 0)
			return -1;
	return 0;
}

static void
remote_reading_clear(struct reading *reading)
{
	words_clear(&reading->urls);
	words_clear(&reading->push_urls);
}

/* A mistyped name would be taken for a path, and the complaint be about that. */
static int
check_there(const char *remote, struct error *err)
{
	bool there = true;

	if (strchr(remote, ':') == NULL && path_exists(remote, &there, err) < 0)
		return -1;
	if (there)
		return 0;
	return error_set(err, ERR_INPUT,
			 "cannot push to '%s': it is not a remote of this repository, a URL or an "
			 "existing path; add it with 'git remote add %s URL', or use --remote",
			 remote, remote);
}

int
push_urls_resolve(struct repo *repo, const char *remote, struct words *urls, struct error *err)
{
	AUTO(repo_config_freep) git_config *config = NULL;
	AUTO(remote_reading_clear) struct reading reading = {.remote = remote};

	if (repo_config(repo->git, &config, err) < 0 ||
	    repo_config_each(config, visit_remote, &reading, err) < 0)
		return -1;
	if (reading.push_urls.count != 0)
		return rewrite_all(config, &reading.push_urls, ".insteadof", true, urls, err);
	if (reading.urls.count == 0)
		words_add(&reading.urls, remote);
	if (rewrite_all(config, &reading.urls, ".pushinsteadof", false, urls, err) < 0)
		return -1;
	if (urls->count == 0 &&
	    rewrite_all(config, &reading.urls, ".insteadof", true, urls, err) < 0)
		return -1;
	/* As it was typed, and nothing has made anything else of it. */
	if (urls->count == 1 && strcmp(urls->items[0], remote) == 0)
		return check_there(remote, err);
	return 0;
}
