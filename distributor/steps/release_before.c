/* SPDX-License-Identifier: MIT */
#include "distributor/steps/release_before.h"

#include "base/alloc.h"
#include "base/log.h"
#include "model/release_version.h"
#include "publish/git/git_tag.h"
#include "publish/github/github.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LOCK = 16 << 20 };

void
release_before_clear(struct release_before *before)
{
	free(before->tag);
	lock_clear(&before->lock);
	*before = (struct release_before)RELEASE_BEFORE_INIT;
}

/*
 * Its tag. A clone without history or without tags knows nothing of earlier releases; then GitHub is
 * asked, if that is where the release goes.
 */
static int
find_tag_before(const struct release_info *info, struct github *github,
		struct release_before *before, struct error *err)
{
	struct repo *repo = info->repo;
	auto_free char *remote = NULL;

	if (repo != NULL && repo_previous_tag(repo, info->tag, &before->tag, err) < 0)
		return -1;
	if (before->tag != NULL && !repo_is_shallow(repo)) {
		before->state = BEFORE_NAMED;
		return 0;
	}
	if (github != NULL) {
		if (github_previous_tag(github, info->tag, &remote, err) < 0)
			return -1;
		if (remote != NULL &&
		    (before->tag == NULL || release_tag_compare(remote, before->tag) > 0)) {
			free(before->tag);
			before->tag = TAKE(remote);
		}
		before->state = before->tag != NULL ? BEFORE_NAMED : BEFORE_NONE;
		return 0;
	}
	/* An older one here says nothing about those between, and is true all the same. */
	if (before->tag != NULL)
		before->state = BEFORE_NAMED;
	else if (repo != NULL && repo_knows_all_tags(repo))
		before->state = BEFORE_NONE;
	else
		log_warning("the release page will not list changes: no earlier tag found; if "
			    "there is an earlier release, run: git fetch --tags%s",
			    repo != NULL && repo_is_shallow(repo) ? " --unshallow" : "");
	return 0;
}

int
release_before_find(const struct release_info *info, struct github *github,
		    struct release_before *before, struct error *err)
{
	auto_free char *text = NULL, *name = NULL;
	char id[REPO_ID_SIZE];
	size_t length;

	if (find_tag_before(info, github, before, err) < 0)
		return -1;
	if (before->state != BEFORE_NAMED)
		return 0;
	/* A tag of GitHub that is not here. */
	if (info->repo == NULL || repo_commit(info->repo, before->tag, id, err) < 0)
		return info->repo == NULL || err->code == ERR_NOT_FOUND ? 0 : -1;
	if (repo_tree_file(info->repo, before->tag, info->lock_inside, MAX_LOCK, &text, &length,
			   err) < 0) {
		if (err->code == ERR_IO && repo_is_partial(info->repo)) {
			log_warning("the release page will not list changes: %s", err->message);
			return 0;
		}
		if (err->code != ERR_NOT_FOUND && err->code != ERR_INPUT)
			return -1;
		before->state = BEFORE_WITHOUT_LOCK;
		return 0;
	}
	name = xasprintf("%s:%s", before->tag, info->lock_inside);
	/* An old lock in another form is no reason not to release. */
	if (lock_parse(name, text, length, &before->lock, err) < 0)
		log_warning("%s", err->message);
	else
		before->state = BEFORE_COMPARED;
	return 0;
}
