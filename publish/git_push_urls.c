#include "publish/git_push_internal.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Where git pushes to (git-push(1), "remote.NAME.pushurl", "url.BASE.insteadOf"):
 *
 *     remote.NAME.pushurl          all of them, each rewritten by insteadOf
 *     else remote.NAME.url         those that a pushInsteadOf fits, rewritten by it
 *     else remote.NAME.url         all of them, each rewritten by insteadOf
 *
 * Of several bases that fit the longest counts. An empty value forgets those before it.
 */

void
push_urls_add(struct push_urls *urls, const char *url)
{
	urls->items = xgrow(urls->items, urls->count, sizeof(*urls->items));
	urls->items[urls->count++] = xstrdup(url);
}

void
push_urls_release(struct push_urls *urls)
{
	for (size_t i = 0; i < urls->count; i++)
		free(urls->items[i]);
	free(urls->items);
	*urls = (struct push_urls){NULL, 0};
}

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

int
push_config_each(git_config *config, void (*visit)(const char *name, const char *value, void *to),
		 void *to, struct error *err)
{
	git_config_iterator *iterator = NULL;
	git_config_entry *entry;
	int code = git_config_iterator_new(&iterator, config);

	while (code == 0 && (code = git_config_next(&entry, iterator)) == 0)
		visit(entry->name, entry->value != NULL ? entry->value : "", to);
	git_config_iterator_free(iterator);
	if (code != GIT_ITEROVER)
		return error_set(err, ERR_IO, "cannot read the configuration of git: %s",
				 repo_reason());
	return 0;
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
	      struct push_urls *urls, struct error *err)
{
	struct rewriting r = {.key = key, .url = url};
	auto_free char *result = NULL;

	if (push_config_each(config, visit_rewrite, &r, err) < 0) {
		free(r.result);
		return -1;
	}
	result = r.result;
	if (result != NULL || or_itself)
		push_urls_add(urls, result != NULL ? result : url);
	return 0;
}

struct reading {
	const char *remote;
	struct push_urls urls, push_urls;
};

static void
take(const char *value, struct push_urls *urls)
{
	if (*value == '\0')
		push_urls_release(urls);
	else
		push_urls_add(urls, value);
}

static void
visit_remote(const char *name, const char *value, void *to)
{
	struct reading *reading = to;
	auto_free char *url = subsection(name, "remote.", ".url");
	auto_free char *push_url = subsection(name, "remote.", ".pushurl");

	if (url != NULL && strcmp(url, reading->remote) == 0)
		take(value, &reading->urls);
	else if (push_url != NULL && strcmp(push_url, reading->remote) == 0)
		take(value, &reading->push_urls);
}

static int
rewrite_all(git_config *config, const struct push_urls *from, const char *key, bool or_itself,
	    struct push_urls *to, struct error *err)
{
	for (size_t i = 0; i < from->count; i++)
		if (add_rewritten(config, key, from->items[i], or_itself, to, err) < 0)
			return -1;
	return 0;
}

static void
reading_release(struct reading *reading)
{
	push_urls_release(&reading->urls);
	push_urls_release(&reading->push_urls);
}

/* A mistyped name would be taken for a path, and the complaint be about that. */
static int
check_there(const char *remote, struct error *err)
{
	if (strchr(remote, ':') != NULL || access(remote, F_OK) == 0)
		return 0;
	return error_set(err, ERR_INPUT,
			 "cannot push to '%s': it is neither a remote of this repository nor a "
			 "URL, and there is no such path",
			 remote);
}

int
push_urls_resolve(struct repo *repo, const char *remote, struct push_urls *urls, struct error *err)
{
	AUTO(repo_config_freep) git_config *config = NULL;
	AUTO(reading_release) struct reading reading = {.remote = remote};

	if (repo_config(repo->git, &config, err) < 0 ||
	    push_config_each(config, visit_remote, &reading, err) < 0)
		return -1;
	if (reading.push_urls.count != 0)
		return rewrite_all(config, &reading.push_urls, ".insteadof", true, urls, err);
	if (reading.urls.count == 0)
		push_urls_add(&reading.urls, remote);
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
