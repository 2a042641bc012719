/* SPDX-License-Identifier: MIT */
#pragma once

/* The draft of a release: found or made, and completed. For the files of publish/ only. */

#include "publish/github/github_api.h"

/*
 * Sends title, body and state of a release: a new draft, or with `publish` the one in
 * `github->remote`, which is then public.
 */
int github_release_send(struct github *github, const struct publication *release, bool publish,
			struct github_answer *ret_answer, struct error *err) CHECKED;

/*
 * Finds the one draft of a tag. Returns 1, 0 when there is none, or -1: several are ERR_REMOTE, a
 * release that is published is ERR_NETWORK, because who looks for a draft did not see it.
 */
int github_draft_find(struct github *github, const char *tag, struct github_release *ret_draft,
		      struct error *err) CHECKED;

/*
 * Finds the one draft of the release or makes it, stores it in `github->remote`, and brings it to
 * hold exactly the files of the release, compared. Several drafts are ERR_REMOTE and named, also
 * when another run makes one at the same time: then the one that was made here is removed again, if
 * it is still empty.
 */
int github_draft_prepare(struct github *github, const struct publication *release,
			 struct publish_result *result, struct error *err) CHECKED;
