/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Publishes the signed release directory, verified once more, with its text. `publish` does it in
 * one go, `release` pushes images between the two halves.
 */

#include "distributor/steps/release_info.h"
#include "publish/directory.h"
#include "publish/github/github.h"
#include "sign/check/keyring.h"
#include "sign/make/secret.h"

enum publish_latest { LATEST_AUTO, LATEST_YES, LATEST_NO };

struct publish_options {
	const char *directory;     /* publish to this directory; NULL: to GitHub */
	const char *template_path; /* of the text; NULL: the built-in one */
	enum publish_latest latest;
	uint64_t pace_ms; /* least time between two changes; 0: no pacing at all */
	bool dry_run;
	bool tag_pending; /* for a dry run: do not look for the tag, it would be there by now */
};

#define PUBLISH_OPTIONS_DEFAULT {.pace_ms = 1000}

/* Reads the words that the commands take for --latest and --pace into the options. ERR_USAGE. */
int step_publish_read_words(struct publish_options *options, const char *latest,
			    struct error *err) CHECKED;

/* Opaque: all of it together. */
struct step_publish;

/*
 * Reads OUT/assets, verifies the release like any user (signatures, sums, completeness, names,
 * provenance; and the tag, if the repository of `info` has it) and writes the text. Files that the
 * workspace has seen are not read again. Takes GITHUB_TOKEN out of the environment if it is needed
 * and still set; `token` is used otherwise and may be NULL. `work`, `info` and `keyring` are
 * borrowed. ERR_VERIFY: nothing of it is published.
 */
int step_publish_new(const struct workspace *work, const struct release_info *info,
		     const struct keyring *keyring, const struct publish_options *options,
		     const char *token, struct step_publish **ret_publishing,
		     struct error *err) CHECKED;
void step_publish_free(struct step_publish *publishing);
void step_publish_freep(struct step_publish **publishing); /* for AUTO() */

/*
 * Before signing again on another machine: restores the files signed and uploaded by an earlier run
 * to OUT/assets, so that 'sign' keeps them if they are still valid. A provenance names its run, so
 * a second run would otherwise produce a different release from the same bytes. Nothing is trusted
 * here: 'sign' verifies. Returns the number of files, or -1.
 */
int step_publish_adopt(const struct workspace *work, const struct release_info *info,
		       const struct publish_options *options, const char *token,
		       struct error *err) CHECKED;

/* First half: everything is uploaded and compared, nothing is public. */
int step_publish_prepare(struct step_publish *publishing, struct error *err) CHECKED;

/* Second half: publishes, marks it as latest if requested, and reads it back. */
int step_publish_run(struct step_publish *publishing, struct error *err) CHECKED;

/* The result so far, and what is or was to be published. Both borrowed. */
const struct publish_result *step_publish_result(const struct step_publish *publishing);
const struct publication *step_publish_publication(const struct step_publish *publishing);

/* The URL of GitHub, from the environment or the matrix: "https://github.com". Borrowed. */
const char *step_publish_server(const struct matrix *matrix);

/* "OWNER/REPO" from the environment or the matrix; ERR_INPUT if neither has it. Borrowed. */
int step_publish_repository(const struct matrix *matrix, const char **ret_repository,
			    struct error *err) CHECKED;
