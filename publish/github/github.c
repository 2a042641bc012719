/* SPDX-License-Identifier: MIT */
#include "publish/github/github.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "publish/github/github_assets.h"
#include "publish/github/github_draft.h"
#include "publish/github/github_hint.h"
#include "publish/github/github_search.h"

#include <string.h>

static bool
is_repository(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash != NULL && slash != text && slash[1] != '\0' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") ==
		       strlen(text) &&
	       strchr(slash + 1, '/') == NULL && strstr(text, "..") == NULL;
}

char *
github_api_of(const char *server_url)
{
	static const char scheme[] = "https://";

	if (strcmp(server_url, "https://github.com") == 0 ||
	    (text_starts_with(server_url, scheme) && text_ends_with(server_url, ".ghe.com")))
		return xasprintf("https://api.%s", server_url + strlen(scheme));
	return xasprintf("%s/api/v3", server_url);
}

/*
 * The host that takes uploads for an API address: uploads.github.com for api.github.com and for
 * the enterprise clouds that are named so; on an Enterprise Server it is the same one.
 */
static char *
uploads_of(const char *api_url)
{
	static const char prefix[] = "https://api.";

	if (text_starts_with(api_url, prefix))
		return xasprintf("https://uploads.%s", api_url + strlen(prefix));
	return xstrdup(api_url);
}

int
github_new(const struct github_options *options, struct http_client *http,
	   struct github **ret_github, struct error *err)
{
	struct github *github;
	size_t length = strlen(options->api_url);

	if (http_url_check(options->api_url, 0, err) < 0)
		return error_prefix(err, "the URL of the GitHub API");
	if (!is_repository(options->repository))
		return error_set(err, ERR_INPUT, "'%s' is not OWNER/REPO", options->repository);
	while (length > 0 && options->api_url[length - 1] == '/')
		length--;
	github = xcalloc(1, sizeof(*github));
	github->http = http;
	github->options = *options;
	github->api_url = xstrndup(options->api_url, length);
	github->uploads_url = uploads_of(github->api_url);
	github->repository = xstrdup(options->repository);
	github->hint_path = options->hint_path != NULL ? xstrdup(options->hint_path) : NULL;
	if (options->token != NULL)
		github->authorization = xasprintf("Bearer %s", options->token);
	github->pacer = pacer_new(&options->pace, options->notice, options->notice_context);
	(void)pthread_mutex_init(&github->lock, NULL);
	/* Borrowed from the caller's options, and not to be used again. */
	github->options.api_url = github->options.repository = github->options.token = NULL;
	github->options.hint_path = NULL;
	*ret_github = github;
	return 0;
}

void
github_free(struct github *github)
{
	if (github == NULL)
		return;
	if (github->authorization != NULL)
		explicit_bzero(github->authorization, strlen(github->authorization));
	free(github->authorization);
	free(github->api_url);
	free(github->uploads_url);
	free(github->repository);
	free(github->hint_path);
	free(github->hashed.items);
	free(github->removed.items);
	github_release_clear(&github->remote);
	pacer_free(github->pacer);
	(void)pthread_mutex_destroy(&github->lock);
	free(github);
}

void
github_freep(struct github **github)
{
	github_free(*github);
	*github = NULL;
}

/* Publishing without the tag would make GitHub invent a lightweight one. */
static int
check_tag(struct github *github, const struct publication *release, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	auto_free char *path = xasprintf("git/ref/tags/%s", release->tag);
	auto_free char *id = NULL;
	bool annotated;

	if (github_get(github, path, GITHUB_LAG_TAG, &answer, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_NOT_FOUND,
				 "'%s' has no tag '%s', or the token cannot see it; push the "
				 "signed tag first: distributor tag --push",
				 github->repository, release->tag);
	}
	if (github_parse_ref("tag", answer.response.body, answer.response.length, &id, &annotated,
			     err) < 0)
		return -1;
	if (!annotated)
		return error_set(err, ERR_VERIFY,
				 "tag '%s' of '%s' is a lightweight tag, which is not signed",
				 release->tag, github->repository);
	if (release->tag_id != NULL && strcmp(release->tag_id, id) != 0)
		return error_set(err, ERR_VERIFY, "tag '%s' of '%s' is %s, expected %s",
				 release->tag, github->repository, id, release->tag_id);
	return 0;
}

static int
compare_published(struct github *github, const struct publication *release,
		  struct publish_result *result, struct error *err)
{
	result->was_there = true;
	result->immutable = github->remote.immutable;
	result->url = xstrdup(github->remote.url);
	if (github_assets_compare(github, release, result, err) == 0) {
		result->kept = release->count;
		return github_hint_remove(github, err);
	}
	if (err->code != ERR_VERIFY)
		return -1;
	return error_prefix(err, "'%s' is already published%s, with other files", release->tag,
			    github->remote.immutable ? " and immutable" : "");
}

int
github_prepare(struct github *github, const struct publication *release,
	       struct publish_result *result, struct error *err)
{
	auto_free char *path = xasprintf("releases/tags/%s", release->tag);
	int found, done;

	if (publication_check(release, err) < 0 ||
	    (!release->tag_pending && check_tag(github, release, err) < 0))
		return -1;
	github_release_clear(&github->remote);
	found = github_release_get(github, path, GITHUB_LAG_NONE, &github->remote, err);
	if (found < 0)
		return error_prefix(err, "cannot find out whether release '%s' exists",
				    release->tag);
	done = found > 0 ? compare_published(github, release, result, err)
			 : github_draft_prepare(github, release, result, err);
	result->requests = github->requests;
	return done;
}

/* NULL also where it is not seen yet. */
static int
read_latest(struct github *github, char **ret_tag, struct error *err)
{
	AUTO(github_release_clear) struct github_release latest = {.tag = NULL};
	int found = github_release_get(github, "releases/latest", GITHUB_LAG_NONE, &latest, err);

	if (found < 0)
		return error_prefix(err, "cannot get the latest release");
	*ret_tag = TAKE(latest.tag);
	return 0;
}

int
github_latest_tag(struct github *github, char **ret_tag, struct error *err)
{
	AUTO(github_search_clear) struct github_search search = {.tag = NULL};

	if (read_latest(github, ret_tag, err) < 0)
		return -1;
	if (*ret_tag != NULL)
		return 0;
	if (github_search_drafts(github, &search, err) < 0)
		return -1;
	*ret_tag = TAKE(search.newest);
	return 0;
}

/* PATCH of `make_latest` alone. */
static int
patch_latest(struct github *github, uint64_t id, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	auto_free char *path = xasprintf("releases/%llu", (unsigned long long)id);
	auto_free char *url = github_url(github, path);
	static const char text[] = "{\"make_latest\":\"true\"}";
	const struct http_body body = {.bytes = text, .size = sizeof(text) - 1};

	return github_call(
		github,
		&(struct github_request){
			.kind = GITHUB_CHANGE, .method = "PATCH", .url = url, .body = &body},
		&answer, err);
}

int
github_set_latest(struct github *github, const char *tag, struct error *err)
{
	AUTO(github_release_clear) struct github_release release = {.tag = NULL};
	auto_free char *path = xasprintf("releases/tags/%s", tag);
	auto_free char *latest = NULL;
	int found = github_release_get(github, path, GITHUB_LAG_RELEASE, &release, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_NOT_FOUND, "'%s' has no published release '%s'",
				 github->repository, tag);
	if (read_latest(github, &latest, err) < 0)
		return -1;
	if (latest != NULL && strcmp(latest, tag) == 0)
		return 0;
	if (github->options.dry_run) {
		github_notice(github, "would mark '%s' as the latest release", tag);
		return 1;
	}
	return patch_latest(github, release.id, err) < 0 ? -1 : 1;
}

/*
 * Two looks at what anybody sees: the release under its tag, and the latest. 1 it is there, 0 not
 * yet (`err` says what), -1.
 */
static int
look_at_tag(struct github *github, const struct publication *release, struct publish_result *result,
	    struct error *err)
{
	AUTO(github_release_clear) struct github_release seen = {.tag = NULL};
	auto_free char *path = xasprintf("releases/tags/%s", release->tag);
	int found = github_release_get(github, path, GITHUB_LAG_NONE, &seen, err);

	if (found == 0)
		error_set(err, ERR_NETWORK, "it does not show up under its tag yet");
	if (found <= 0)
		return found;
	if (seen.id != github->remote.id || seen.draft)
		return error_set(err, ERR_VERIFY, "its tag shows another release: '%s'", seen.url);
	result->immutable = seen.immutable;
	free(result->url);
	result->url = xstrdup(seen.url);
	return 1;
}

static int
look_at_latest(struct github *github, const struct publication *release,
	       struct publish_result *result, struct error *err)
{
	auto_free char *latest = NULL;

	if (read_latest(github, &latest, err) < 0)
		return -1;
	result->latest = latest != NULL && strcmp(latest, release->tag) == 0;
	if (!release->latest || result->latest)
		return 1;
	error_set(err, ERR_NETWORK, "the latest release is still '%s'",
		  latest != NULL ? latest : "none");
	return 0;
}

/* A published release may take a moment to be seen by all of GitHub's servers. */
static int
wait_for(enum github_lag lag,
	 int (*look)(struct github *github, const struct publication *release,
		     struct publish_result *result, struct error *err),
	 struct github *github, const struct publication *release, struct publish_result *result,
	 struct error *err)
{
	for (unsigned int looks = 1;; looks++) {
		int seen = look(github, release, result, err);
		struct error why = *err;

		if (seen > 0)
			return 0;
		if (seen < 0 || github_look_again(github, lag, looks, why.message, err) <= 0)
			return -1;
	}
}

static int
read_back(struct github *github, const struct publication *release, struct publish_result *result,
	  struct error *err)
{
	if (wait_for(GITHUB_LAG_RELEASE, look_at_tag, github, release, result, err) < 0 ||
	    github_assets_compare(github, release, result, err) < 0)
		return -1;
	return wait_for(GITHUB_LAG_LATEST, look_at_latest, github, release, result, err);
}

static int
publish_draft(struct github *github, const struct publication *release,
	      struct publish_result *result, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;

	/* Time has passed since the draft was compared, and this cannot be taken back. */
	if (github_assets_compare(github, release, result, err) < 0)
		return error_prefix(err,
				    err->code == ERR_VERIFY ? "the draft of '%s' has changed"
							    : "cannot get the draft of '%s'",
				    release->tag);
	if (github_release_send(github, release, true, &answer, err) == 0)
		return github_hint_remove(github, err);
	if (answer.refusal == GITHUB_REFUSAL_BURNED_TAG)
		return error_prefix(err,
				    "tag '%s' belonged to an immutable release and can never be "
				    "released again; raise the release number in \"version\"",
				    release->tag);
	return error_prefix(err, "cannot publish '%s'", release->tag);
}

int
github_publish(struct github *github, const struct publication *release,
	       struct publish_result *result, struct error *err)
{
	int moved = 0;

	if (github->options.dry_run) {
		if (!result->was_there)
			github_notice(github, "would publish '%s'%s", release->tag,
				      release->latest ? " as the latest release" : "");
		return 0;
	}
	if (result->was_there && release->latest)
		moved = github_set_latest(github, release->tag, err);
	if (moved < 0)
		return error_prefix(err, "cannot mark '%s' as the latest release", release->tag);
	if (!result->was_there && publish_draft(github, release, result, err) < 0)
		return -1;
	result->moved = moved > 0;
	result->published = !result->was_there;
	if (read_back(github, release, result, err) < 0)
		return error_prefix(err, "'%s' was published, but reading it back failed",
				    release->tag);
	result->requests = github->requests;
	return 0;
}
