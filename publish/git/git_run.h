/* SPDX-License-Identifier: MIT */
#pragma once

/* Running the git program for one push: publish/git/git_program.c and git_run.c only. */

#include "base/process.h"
#include "publish/git/git_push_internal.h"

struct git_run {
	const struct step_push *pushing;
	char *remote; /* as git gets it */
	struct words urls;
	bool terminal;     /* it may ask there */
	bool may_token;    /* one of the URLs is where the token may go */
	bool with_token;   /* it is used: git's own credentials did not do */
	char *origin;      /* of the token's server; or NULL */
	char *ssh_command; /* for no terminal; or NULL */
	char *memory; /* a directory in which git keeps what was typed, for this push; or NULL */
};

/*
 * Finds out what the members behind `pushing` are. `run` is zeroed but for that, and to be released
 * in any case. ERR_INPUT, ERR_IO.
 */
int git_run_prepare(struct git_run *run, struct error *err) CHECKED;
void git_run_clear(struct git_run *run);

/* Whether this URL is on the server that the token is for. */
bool git_run_may_token(const struct git_run *run, const char *url) CHECKED;

/* Runs git with these arguments, the last of which is NULL. ERR_NOT_FOUND without a git. */
int git_run(const struct git_run *run, const char *const *arguments, struct process_result *result,
	    struct error *err) CHECKED;
