/* SPDX-License-Identifier: MIT */
#include "publish/github/github_draft.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "publish/github/github_assets.h"
#include "publish/github/github_hint.h"
#include "publish/github/github_search.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

int
github_release_send(struct github *github, const struct publication *release, bool publish,
		    struct github_answer *answer, struct error *err)
{
	auto_free char *path =
		publish ? xasprintf("releases/%llu", (unsigned long long)github->remote.id)
			: xstrdup("releases");
	auto_free char *url = github_url(github, path);
	json_t *object = json_pack("{s:s, s:s, s:s, s:b}", "tag_name", release->tag, "name",
				   release->title, "body", release->body, "draft", publish ? 0 : 1);
	auto_free char *text = NULL;
	struct http_body body;

	if (object == NULL)
		return error_set(err, ERR_INPUT, "title or body of '%s' is not UTF-8",
				 release->tag);
	if (publish)
		jsonx_set(object, "make_latest", jsonx_text(release->latest ? "true" : "false"));
	text = json_dumps(object, JSON_COMPACT);
	assert(text != NULL);
	json_decref(object);
	body = (struct http_body){.bytes = text, .size = strlen(text)};
	return github_call(
		github,
		&(struct github_request){.kind = publish ? GITHUB_CHANGE : GITHUB_CREATE,
					 .method = publish ? "PATCH" : "POST",
					 .url = url,
					 .body = &body,
					 .lag = publish ? GITHUB_LAG_DRAFT : GITHUB_LAG_NONE},
		answer, err);
}

/* Another server answered a moment ago, or somebody has just published it. */
static int
not_seen_yet(const char *tag, struct error *err)
{
	return error_set(err, ERR_NETWORK,
			 "'%s' is published but does not show up under its tag yet; run the same "
			 "command again",
			 tag);
}

int
github_draft_find(struct github *github, const char *tag, struct github_release *ret_draft,
		  struct error *err)
{
	AUTO(github_search_clear) struct github_search search = {.tag = tag};
	const struct github_release_list *drafts = &search.drafts;
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;

	if (github_search_drafts(github, &search, err) < 0)
		return -1;
	if (search.published)
		return not_seen_yet(tag, err);
	if (drafts->count == 0)
		return 0;
	if (drafts->count == 1) {
		*ret_draft = drafts->items[0];
		drafts->items[0] = (struct github_release){.tag = NULL};
		return 1;
	}
	for (size_t i = 0; i < drafts->count; i++)
		strbuf_addf(&text, "%s%s", i == 0 ? "" : ", ", drafts->items[i].url);
	return error_set(err, ERR_REMOTE, "found %zu drafts of '%s'; remove all but one: %s",
			 drafts->count, tag, strbuf_text(&text));
}

/*
 * One try to make the draft: 1 it is there, 0 not yet (`err` says why), -1. `*ret_ours` tells that
 * it is certainly the one that was asked for here.
 */
static int
create_once(struct github *github, const struct publication *release, bool *ret_ours,
	    struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	struct error why;
	int found;

	*ret_ours = github_release_send(github, release, false, &answer, err) == 0 &&
		    github_parse_release("response to the draft", answer.response.body,
					 answer.response.length, &github->remote, err) == 0;
	if (*ret_ours)
		return 1;
	if (err->code != ERR_NETWORK && answer.response.status != 201)
		return -1;
	/* It may have been made without our being told, and be listed later still. */
	why = *err;
	for (unsigned int looks = 1;; looks++) {
		int again;

		found = github_draft_find(github, release->tag, &github->remote, err);
		if (found != 0)
			return found;
		again = github_look_again(github, GITHUB_LAG_LISTED, looks, why.message, err);
		if (again < 0)
			return -1;
		if (again == 0)
			break;
	}
	*err = why;
	return 0;
}

/* Removes the draft that this run has just made, unless somebody has already put it to use. */
static int
drop_draft(struct github *github, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	AUTO(github_release_clear) struct github_release now = {.tag = NULL};
	AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};
	auto_free char *path = xasprintf("releases/%llu", (unsigned long long)github->remote.id);
	auto_free char *url = github_url(github, path);
	const struct github_request request = {
		.kind = GITHUB_CHANGE, .method = "DELETE", .url = url};
	int found = github_release_get(github, path, GITHUB_LAG_DRAFT, &now, err);

	if (found <= 0)
		return found;
	if (github_assets_list(github, &list, err) < 0)
		return -1;
	if (!now.draft || list.count != 0)
		return error_set(err, ERR_REMOTE, "'%s' is in use", now.url);
	if (github_call(github, &request, &answer, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	return 0;
}

/* Both runs may see each other and give way: then there is no draft, and either can begin again. */
static int
give_way(struct github *github, const char *tag, const char *theirs, bool ours, struct error *err)
{
	if (ours && drop_draft(github, err) == 0)
		return error_set(err, ERR_REMOTE,
				 "another run created a draft of '%s' at the same time: %s; the "
				 "draft of this run was removed; run this again when the other is "
				 "published or deleted",
				 tag, theirs);
	if (ours && err->code == ERR_INTERRUPTED)
		return -1;
	return error_set(err, ERR_REMOTE,
			 "another run created a draft of '%s' at the same time; remove one: %s, %s",
			 tag, theirs, github->remote.url);
}

/*
 * GitHub makes as many drafts of a tag as it is asked for, and another run may have seen none and
 * made its own. Nothing has been sent to ours yet.
 */
static int
check_alone(struct github *github, const struct publication *release, bool ours, struct error *err)
{
	AUTO(github_search_clear) struct github_search search = {.tag = release->tag};

	if (github_search_drafts(github, &search, err) < 0)
		return -1;
	if (search.published) {
		/* Whether it goes or not, nobody needs it any more. */
		if (ours && drop_draft(github, err) < 0 && err->code == ERR_INTERRUPTED)
			return -1;
		return not_seen_yet(release->tag, err);
	}
	for (size_t i = 0; i < search.drafts.count; i++)
		if (search.drafts.items[i].id != github->remote.id)
			return give_way(github, release->tag, search.drafts.items[i].url, ours,
					err);
	return 0;
}

static int
create_draft(struct github *github, const struct publication *release, struct error *err)
{
	for (unsigned int failed = 1;; failed++) {
		bool ours = false;
		int made = create_once(github, release, &ours, err);

		if (made > 0)
			return github_hint_write(github, release->tag, err) < 0
				       ? -1
				       : check_alone(github, release, ours, err);
		if (made < 0 || failed >= github->options.tries)
			return error_prefix(err, "cannot create a draft release for '%s'",
					    release->tag);
		if (github_backoff(github, failed, err->message, err) < 0)
			return -1;
	}
}

/* Keeps, removes and sends until the draft holds the files of the release. */
static int
complete_draft(struct github *github, const struct publication *release,
	       struct publish_result *result, struct error *err)
{
	AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};
	auto_free const struct publish_file **missing = xcalloc(release->count, sizeof(*missing));
	auto_free bool *there = xcalloc(release->count, sizeof(*there));
	size_t missing_count = 0;

	if (github->remote.id != 0 && github_assets_list(github, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct publish_file *file = publication_find(release, list.items[i].name);
		auto_free char *why = NULL;
		int same = 0;

		if (file == NULL)
			why = xstrdup("it does not belong to the release");
		else
			same = github_asset_matches(github, &list.items[i], file, result, &why,
						    err);
		if (same < 0)
			return -1;
		if (same > 0)
			there[file - release->files] = true;
		else if (github_asset_remove(github, &list.items[i], why, result, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < release->count; i++) {
		if (there[i])
			result->kept++;
		else
			missing[missing_count++] = &release->files[i];
	}
	return github_assets_send(github, missing, missing_count, result, err);
}

int
github_draft_prepare(struct github *github, const struct publication *release,
		     struct publish_result *result, struct error *err)
{
	int found = github_hint_find(github, release->tag, &github->remote, err);

	if (found == 0)
		found = github_draft_find(github, release->tag, &github->remote, err);
	if (found < 0)
		return -1;
	if (found == 0 && github->options.dry_run)
		github_notice(github, "would create a draft release for '%s'", release->tag);
	else if (found == 0 && create_draft(github, release, err) < 0)
		return -1;
	if (github->remote.id != 0) {
		result->url = xstrdup(github->remote.url);
		if (github_check_url(github, github->remote.upload_url, err) < 0)
			return -1;
	}
	if (complete_draft(github, release, result, err) < 0)
		return -1;
	if (github->options.dry_run)
		return 0;
	if (github_assets_compare(github, release, result, err) < 0)
		return error_prefix(err,
				    err->code == ERR_VERIFY
					    ? "the draft of '%s' does not match what was uploaded"
					    : "cannot get the draft of '%s'",
				    release->tag);
	return 0;
}
