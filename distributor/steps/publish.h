/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is published: the signed release directory, verified once more, with its text; and where to.
 * `publish` does it in one go, `release` pushes images between the two halves.
 */

#include "distributor/steps/release_info.h"
#include "publish/directory.h"
#include "publish/github/github.h"
#include "sign/make/secret.h"

enum publish_latest { LATEST_AUTO, LATEST_YES, LATEST_NO };

struct publish_options {
	const char *repo_path;     /* git repository, with the tag */
	const char *directory;     /* publish to this directory; NULL: to GitHub */
	const char *template_path; /* of the text; NULL: the built-in one */
	enum publish_latest latest;
	uint64_t pace_ms; /* least time between two changes; 0: no pacing at all */
	bool dry_run;
	bool tag_pending; /* for a dry run: do not look for the tag, it would be there by now */
};

#define PUBLISH_OPTIONS_DEFAULT {.repo_path = ".", .pace_ms = 1000}

/* Reads the words that the commands take for --latest and --pace into the options. ERR_USAGE. */
int step_publish_read_words(struct publish_options *options, const char *latest,
			    struct error *err) CHECKED;

/* Opaque: all of it together. */
struct step_publish;

/*
 * Reads matrix, lock, repository and OUT/assets, verifies the release as anybody would (signatures,
 * sums, completeness, names, provenance; and the tag, where the repository has it) and makes the
 * text. Takes GITHUB_TOKEN out of the environment when it is needed and still there; `token` is
 * used otherwise and may be NULL. ERR_VERIFY: nothing of it is published.
 */
int step_publish_new(const struct workspace *work, const struct publish_options *options,
		     const char *token, struct step_publish **ret_publishing,
		     struct error *err) CHECKED;
void step_publish_free(struct step_publish *publishing);
void step_publish_freep(struct step_publish **publishing); /* for AUTO() */

/*
 * Before signing again in another place: brings back into OUT/assets what an earlier run has signed
 * and sent, so that 'sign' keeps it where it is still right. A provenance names its run, and
 * without this a second run would make another release of the same bytes. Nothing is trusted here:
 * 'sign' verifies. Returns how many files came, or -1.
 */
int step_publish_adopt(const struct workspace *work, const struct publish_options *options,
		       const char *token, struct error *err) CHECKED;

/* First half: everything is there and compared, nothing is public. */
int step_publish_prepare(struct step_publish *publishing, struct error *err) CHECKED;

/* Second half: public, the latest if it should be, and read back. */
int step_publish_run(struct step_publish *publishing, struct error *err) CHECKED;

/* What came of it so far; and what is or was to be published. Both borrowed. */
const struct publish_result *step_publish_result(const struct step_publish *publishing);
const struct publication *step_publish_publication(const struct step_publish *publishing);

/* Where GitHub is, of the environment or the matrix: "https://github.com". Borrowed. */
const char *step_publish_server(const struct matrix *matrix);

/* "OWNER/REPO" of the environment or the matrix; ERR_INPUT when neither says. Borrowed. */
int step_publish_repository(const struct matrix *matrix, const char **ret_repository,
			    struct error *err) CHECKED;
