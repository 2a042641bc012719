/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * GitHub Releases: a draft that is completed, compared and published, in this order and no other.
 *
 * There is no state of ours: what GitHub has is compared by name, size and digest with what it
 * should have, so that every function can be called again after any failure and goes on.
 */

#include "net/http.h"
#include "publish/github/github_options.h"
#include "publish/publication.h"

struct github;

/*
 * The address of the API of a GitHub: "https://api.github.com", "https://api.NAME.ghe.com", and
 * "https://HOST/api/v3" of an Enterprise Server. To be freed by the caller.
 */
char *github_api_of(const char *server_url) CHECKED;

/*
 * Checks addresses and names; sends nothing. The client is borrowed. ERR_INPUT: an address that is
 * not https, a repository that is not OWNER/REPO.
 */
int github_new(const struct github_options *options, struct http_client *http,
	       struct github **ret_github, struct error *err) CHECKED;
void github_free(struct github *github);
void github_freep(struct github **github); /* for AUTO() */

/*
 * Brings GitHub to the point where publishing is one request: the tag is there and annotated, one
 * draft of it exists, it holds exactly the files of `release`, each compared by size and digest.
 * A release that is published already is only compared: `was_there` is then set and nothing has
 * been written.
 *
 * ERR_INPUT (the files), ERR_NOT_FOUND (no such repository or tag), ERR_DENIED (the token, what it
 * may do, a rule of the repository, a tag that is used up), ERR_VERIFY (published with other files;
 * another tag; bytes that came out changed), ERR_REMOTE (refused: the sentence says why and what
 * helps), ERR_NETWORK (run it again), ERR_INTERRUPTED. What was uploaded stays.
 */
int github_prepare(struct github *github, const struct publication *release,
		   struct publish_result *result, struct error *err) CHECKED;

/*
 * Publishes what github_prepare() has prepared with this `result`, and reads everything back as
 * anybody sees it. A release that was there only becomes the latest, if it should be and is not.
 */
int github_publish(struct github *github, const struct publication *release,
		   struct publish_result *result, struct error *err) CHECKED;

/*
 * The tag that "latest" stands for, to be freed by the caller, or NULL when nothing is published.
 * A 404 alone does not say so: then it is the newest version in the list of releases.
 */
int github_latest_tag(struct github *github, char **ret_tag, struct error *err) CHECKED;

/*
 * The release before the tag, as repo_previous_tag() finds it: of GitHub's annotated tags that
 * begin with 'v' and a digit the one with the highest version below it, to be freed by the caller,
 * or NULL.
 */
int github_previous_tag(struct github *github, const char *tag, char **ret_tag,
			struct error *err) CHECKED;

/*
 * Makes a published release of this tag the latest one, whatever its version. Returns 1 when it was
 * not before, else 0. ERR_NOT_FOUND when there is none.
 */
int github_set_latest(struct github *github, const char *tag, struct error *err) CHECKED;

/*
 * Brings back into `directory` those files of `names` that the release of this tag has, a draft
 * too, and that are not there yet. Each is small (at most GITHUB_MAX_FETCHED bytes), and nothing
 * about it is verified. Returns how many came, 0 also without such a release, or -1.
 */
#define GITHUB_MAX_FETCHED ((uint64_t)16 << 20)
int github_fetch(struct github *github, const char *tag, const char *const *names, size_t count,
		 const char *directory, struct error *err) CHECKED;
