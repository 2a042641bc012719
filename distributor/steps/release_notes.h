/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The text of a release page, from a template.
 *
 * The template is Markdown with {{name}}, {{version}}, {{tag}}, {{repository}}, {{hosts}},
 * {{changes}}, {{checksums}} and {{verify}}; the last four become whole sections' contents.
 */

#include "distributor/steps/release_before.h"
#include "distributor/steps/release_info.h"
#include "sign/check/keyring.h"

struct release_notes {
	const struct release_info *info;
	const char *repository; /* the address of its page, or NULL */
	enum before_state before;
	const char *previous_tag;    /* with BEFORE_NAMED, _WITHOUT_LOCK and _COMPARED */
	const struct lock *previous; /* its lock, with BEFORE_COMPARED */
	const char *sums;            /* the text of SHA256SUMS */
	const char *attested_by; /* OWNER/REPO whose workflow makes it and attests it, or NULL */
	const char *principal;   /* who signed */
	const struct public_key *key; /* with what */
};

/*
 * The text, to be freed by the caller. `template_path` is NULL for the built-in template.
 * ERR_INPUT: a word in {{}} that does not exist, an answer that is longer than a release page
 * takes.
 */
int release_notes_make(const struct release_notes *notes, const char *template_path,
		       char **ret_text, struct error *err) CHECKED;

/* What changed from one lock to the next, as Markdown list items; for tests too. */
char *release_notes_changes(const struct lock *before, const struct lock *after) CHECKED;
