/* SPDX-License-Identifier: MIT */
#include "publish/github/github.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "model/release_version.h"
#include "publish/git/git_tag.h"
#include "publish/github/github_api.h"

#include <string.h>

struct search {
	const char *tag;
	char *best;
};

static void
search_clear(struct search *search)
{
	free(search->best);
}

static void
visit_ref(void *context, const char *name, bool annotated)
{
	static const char prefix[] = "refs/tags/";
	struct search *search = context;
	const char *tag = text_starts_with(name, prefix) ? name + strlen(prefix) : "";

	if (!annotated || !repo_is_before(tag, search->tag) ||
	    (search->best != NULL && release_tag_compare(tag, search->best) <= 0))
		return;
	free(search->best);
	search->best = xstrdup(tag);
}

static int
read_refs(void *context, const char *text, size_t length, struct error *err)
{
	return github_parse_refs("tags", text, length, visit_ref, context, err);
}

int
github_previous_tag(struct github *github, const char *tag, char **ret_tag, struct error *err)
{
	AUTO(search_clear) struct search search = {.tag = tag};

	if (github_each_page(github, "git/matching-refs/tags/v", GITHUB_LAG_NONE, read_refs,
			     &search, err) < 0)
		return error_prefix(err, "cannot look up the release before '%s'", tag);
	*ret_tag = TAKE(search.best);
	return 0;
}
