/* SPDX-License-Identifier: MIT */
#pragma once

/* The two ways of a push: publish/git/git_push.c, git_program.c and git_transport.c only. */

#include "base/words.h"
#include "publish/git/git_internal.h"
#include "publish/git/git_push.h"

#include <stddef.h>

struct git_oid;

/* One push under way. */
struct step_push {
	struct repo *repo;
	const struct repo_push *push;
	const char *name;      /* of the tag */
	const char *reference; /* "refs/tags/NAME" */
	const char *id;        /* of the tag object, in hexadecimal */
};

/*
 * Refuses a URL with a password in it, and plain http to another machine: ERR_USAGE.
 */
int push_check_url(const char *url, struct error *err) CHECKED;

/* "the remote has refs/tags/X as A, not as B": ERR_INPUT. */
int push_conflict(const struct step_push *pushing, const char *have, struct error *err);

/* Each of them returns what repo_tag_push() does. The first is ERR_NOT_FOUND without a git. */
int push_by_program(const struct step_push *pushing, struct error *err) CHECKED;
int push_by_library(const struct step_push *pushing, struct error *err) CHECKED;

/*
 * Where git would push to, by the rules of git: the pushurls of a remote, else its URLs, rewritten
 * by pushInsteadOf and insteadOf; or the URL or path itself. ERR_INPUT when it is none of these.
 */
int push_urls_resolve(struct repo *repo, const char *remote, struct words *urls,
		      struct error *err) CHECKED;
