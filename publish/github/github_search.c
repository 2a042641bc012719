/* SPDX-License-Identifier: MIT */
#include "publish/github/github_search.h"

#include "base/alloc.h"
#include "model/release_version.h"

#include <string.h>

enum {
	PAGE = 8,         /* halved down to 1 */
	NEWEST = 24,      /* so many are looked at in any case */
	MAX_PAGES = 1000, /* a list that does not end is a server's mistake */
};

void
github_search_clear(struct github_search *search)
{
	github_release_list_clear(&search->drafts);
	free(search->newest);
}

/* A list that grows while it is read shows the last of one page again on the next. */
static bool
has_release(const struct github_release_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

static void
note_newest(struct github_search *search, const struct github_release *release)
{
	if (release->draft || release->prerelease ||
	    !release_tag_takes_latest(release->tag, search->newest))
		return;
	free(search->newest);
	search->newest = xstrdup(release->tag);
}

/* Takes over what is of the tag; counts all, and those that are drafts. */
static int
read_page(struct github_search *search, const struct github_answer *answer, size_t *ret_count,
	  size_t *ret_drafts, struct error *err)
{
	struct github_release_list *drafts = &search->drafts;
	AUTO(github_release_list_clear) struct github_release_list page = {NULL, 0};
	size_t unpublished = 0;

	if (github_parse_releases("list of releases", answer->response.body,
				  answer->response.length, &page, err) < 0)
		return -1;
	for (size_t i = 0; i < page.count; i++) {
		unpublished += page.items[i].draft;
		note_newest(search, &page.items[i]);
		if (search->tag == NULL || strcmp(page.items[i].tag, search->tag) != 0)
			continue;
		if (!page.items[i].draft) {
			search->published = true;
			continue;
		}
		if (has_release(drafts, page.items[i].id))
			continue;
		drafts->items = xgrow(drafts->items, drafts->count, sizeof(*drafts->items));
		drafts->items[drafts->count++] = page.items[i];
		page.items[i] = (struct github_release){.tag = NULL};
	}
	*ret_count = page.count;
	*ret_drafts = unpublished;
	return 0;
}

/* Where the list is being read. */
struct place {
	size_t size; /* of a page */
	size_t seen; /* releases */
	unsigned int failed;
	char *url; /* NULL at the end */
};

static void
place_clear(struct place *place)
{
	free(place->url);
}

static void
set_url(struct place *place)
{
	free(place->url);
	place->url = xasprintf("releases?per_page=%zu&page=%zu", place->size,
			       place->seen / place->size + 1);
}

/*
 * After a page that took GitHub too long: asks for half of it, and at last for one release again.
 */
static int
ask_for_less(struct github *github, struct place *place, struct error *err)
{
	struct error why = *err;

	place->failed++;
	if (place->size > 1)
		place->size /= 2;
	else if (place->failed >= github->options.tries)
		return -1;
	set_url(place);
	return github_backoff(github, place->failed < github->options.tries ? place->failed : 1,
			      why.message, err);
}

/* One page: 1 read, 0 to be asked for again, -1. */
static int
search_page(struct github *github, struct github_search *search, struct place *place,
	    struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	auto_free char *url = github_absolute(github, place->url), *next = NULL;
	const struct github_request request = {
		.kind = GITHUB_READ, .method = "GET", .url = url, .heavy = true};
	size_t count, drafts;

	if (github_call(github, &request, &answer, err) < 0) {
		if (answer.response.status != 502 && answer.response.status != 504)
			return -1;
		return ask_for_less(github, place, err) < 0 ? -1 : 0;
	}
	if (read_page(search, &answer, &count, &drafts, err) < 0 ||
	    github_next_page(github, &answer, &next, err) < 0)
		return -1;
	place->seen += count;
	if (place->seen >= NEWEST && drafts == 0)
		free(TAKE(next));
	free(place->url);
	place->url = TAKE(next);
	return 1;
}

int
github_search_drafts(struct github *github, struct github_search *search, struct error *err)
{
	AUTO(place_clear) struct place place = {.size = PAGE};

	set_url(&place);
	for (size_t pages = 0; place.url != NULL; pages++) {
		if (pages >= MAX_PAGES)
			return error_set(
				err, ERR_REMOTE,
				"cannot list the releases: the list has more than %d pages",
				(int)MAX_PAGES);
		if (search_page(github, search, &place, err) < 0)
			return error_prefix(err, "cannot list the releases");
	}
	return 0;
}

int
github_release_get(struct github *github, const char *path, enum github_lag lag,
		   struct github_release *ret_release, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;

	if (github_get(github, path, lag, &answer, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (github_parse_release("release", answer.response.body, answer.response.length,
				 ret_release, err) < 0)
		return -1;
	return 1;
}
