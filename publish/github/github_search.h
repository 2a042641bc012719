/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Drafts are found in the list of releases alone, and each release in it carries its assets: some
 * hundred here, so that a page of many takes GitHub longer than it gives itself (502, 504). So few
 * are asked for at once, fewer when that fails, and not all of them. For the files of publish/
 * only.
 */

#include "publish/github/github_api.h"

/* What the list of releases has under a tag, and of the newest. */
struct github_search {
	const char *tag;
	struct github_release_list drafts;
	bool published;
	char *newest; /* version of a published release that may be the latest, or NULL */
};

void github_search_clear(struct github_search *search);

/*
 * Fills in the rest; without a tag (NULL) only `newest`. The newest releases and all drafts stand first; the end of the
 * list is not read once a whole page behind the newest has no draft.
 */
int github_search_drafts(struct github *github, struct github_search *search,
			 struct error *err) CHECKED;

/* Gets one release by its path. Returns 1, 0 when there is none, or -1. */
int github_release_get(struct github *github, const char *path, enum github_lag lag,
		       struct github_release *ret_release, struct error *err) CHECKED;
