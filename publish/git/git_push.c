/* SPDX-License-Identifier: MIT */
#include "publish/git/git_push_internal.h"
#include "publish/git/git_tag.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

int
push_check_url(const char *url, struct error *err)
{
	const char *host = strstr(url, "://");
	size_t end = host != NULL ? strcspn(host + 3, "/") : 0;
	const char *at = host != NULL ? memchr(host + 3, '@', end) : NULL;

	if (at != NULL && memchr(host + 3, ':', (size_t)(at - host - 3)) != NULL)
		return error_set(err, ERR_USAGE,
				 "the URL of the remote contains a password; put it in "
				 "GITHUB_TOKEN or a git credential helper");
	if (text_starts_with(url, "http://") && !text_starts_with(url, "http://127.0.0.1:"))
		return error_set(err, ERR_USAGE,
				 "a tag can be pushed over https, ssh, git or a path");
	return 0;
}

int
push_conflict(const struct step_push *pushing, const char *have, struct error *err)
{
	return error_set(err, ERR_INPUT, "the remote has %s as %s, expected %s", pushing->reference,
			 have, pushing->id);
}

static int
check_push_urls(const struct step_push *pushing, struct error *err)
{
	AUTO(words_clear) struct words urls = {NULL, 0};

	/* git would take it for an option. */
	if (pushing->push->remote[0] == '-' || pushing->push->remote[0] == '\0')
		return error_set(err, ERR_USAGE, "'%s' is not a remote", pushing->push->remote);
	if (push_urls_resolve(pushing->repo, pushing->push->remote, &urls, err) < 0)
		return -1;
	for (size_t i = 0; i < urls.count; i++)
		if (push_check_url(urls.items[i], err) < 0)
			return -1;
	return 0;
}

int
repo_tag_push(struct repo *repo, const char *name, const struct repo_push *push, struct error *err)
{
	auto_free char *reference = xasprintf("refs/tags/%s", name);
	char id[REPO_ID_SIZE];
	struct step_push pushing = {repo, push, name, reference, id};
	git_oid oid;
	int state;

	if (repo_tag_find(repo, name, &oid, err) < 0)
		return -1;
	git_oid_tostr(id, sizeof(id), &oid);
	if (check_push_urls(&pushing, err) < 0)
		return -1;
	state = push_by_program(&pushing, err);
	if (state < 0 && err->code == ERR_NOT_FOUND)
		state = push_by_library(&pushing, err);
	if (state < 0)
		return error_prefix(err, "cannot push tag '%s' to '%s'", name, push->remote);
	return state;
}
