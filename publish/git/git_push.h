/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Pushing a tag: by the git program where there is one, else by libgit2.
 *
 * Only git follows all that it is configured to (pushurl, insteadOf, several URLs, proxies,
 * credential helpers, ssh_config, hooks) and pushes from a shallow clone. It also runs programs
 * that the configuration of the repository names, so this is for the repository of who pushes, and
 * nothing else here starts it.
 */

#include "base/error.h"

#include <stdbool.h>

struct repo;

struct repo_push {
	const char *remote;       /* the name of a remote, a URL or a path */
	const char *token;        /* NULL for none */
	const char *token_server; /* "https://github.com": where the token may go, and nowhere else;
				   * NULL: nowhere */
	bool dry_run;             /* everything but the push itself, and no hook runs */

	/* What the user should know about this push, in a sentence. May be NULL. */
	void (*notice)(const char *sentence);
};

/*
 * Pushes one tag, never by force, to each URL that git would push it to. What each of them has is
 * compared first, and read back afterwards. Returns 1 when it was sent to one at least, 0 when all
 * of them have the same object already. A push that ended half-way can be done again.
 *
 * ERR_INPUT: the remote is neither a name, a URL nor a path; credentials are missing or refused;
 * another object has this name there (both ids are in the sentence); the remote refuses it, with
 * its reason. ERR_IO: a hook here refuses it. ERR_NETWORK; ERR_REMOTE when it was taken but is not
 * there; ERR_NOT_FOUND without such a tag here; ERR_USAGE.
 */
int repo_tag_push(struct repo *repo, const char *name, const struct repo_push *push,
		  struct error *err) CHECKED;
