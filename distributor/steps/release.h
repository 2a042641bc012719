/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * All steps of a release, in order. Every step compares the existing results with the expected
 * ones, so a run that was interrupted or killed at any point can be repeated.
 */

#include "distributor/steps/images.h"
#include "distributor/steps/key_input.h"
#include "distributor/steps/publish.h"
#include "distributor/steps/push.h"

enum step_state {
	STEP_NOT_REACHED,
	STEP_DONE,
	STEP_KEPT,    /* everything existed */
	STEP_SKIPPED, /* not part of this release; the detail says why */
	STEP_FAILED,
	STEP_WOULD, /* a dry run: what it would have done */
};

struct release_step {
	const char *name;
	enum step_state state;
	char *detail; /* owned; NULL until it is reached */
	double seconds;
};

enum { RELEASE_STEPS = 11 };

/* Strings are borrowed. */
struct release_run_options {
	const char *version;   /* expected version of the matrix; or NULL */
	const char *directory; /* publish to this directory; NULL: to GitHub */
	const char *repo_path; /* NULL: here, or for a directory one that is made below OUT */
	const char *remote;    /* what the tag is pushed to; not for a directory */
	const char *tagger;    /* or NULL */
	struct text_list image_repositories; /* none: those of the matrix, none for a directory */
	struct key_input key;
	struct step_images_options imaging;
	struct publish_options publish;
	struct step_push_options push;
	bool dry_run; /* builds everything here, writes nothing elsewhere */
};

struct release_run;

/* `work`, of which nothing is loaded yet, and `options` are borrowed. */
struct release_run *
release_run_new(const struct workspace *work, const struct release_run_options *options) CHECKED;
void release_run_free(struct release_run *releasing);
void release_run_freep(struct release_run **releasing); /* for AUTO() */

/*
 * Runs the steps. On failure the message names the step, and the code is that of the step: after
 * ERR_NETWORK and ERR_INTERRUPTED run it again. Without a matrix, or if another run is using OUT,
 * no step is reached.
 */
int release_run(struct release_run *releasing, struct error *err) CHECKED;

/* Adds the steps left to the message of release_run(), for output without a table. */
void release_run_explain(const struct release_run *releasing, struct error *err);

/* How far it came. Borrowed. */
const struct release_step *release_run_steps(const struct release_run *releasing);

/* The tag, "v10.2.2-1", and the name of the release; NULL if unknown. Borrowed. */
const char *release_run_tag(const struct release_run *releasing);
const char *release_run_name(const struct release_run *releasing);

/* Where the release can be seen, the repository of the tag, and the public keys; or NULL. */
const char *release_run_url(const struct release_run *releasing);
const char *release_run_repository(const struct release_run *releasing);
const char *release_run_keys(const struct release_run *releasing);
