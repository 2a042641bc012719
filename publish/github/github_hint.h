/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where the draft was, for the next run on this machine: a file in OUT with its number, so that a
 * draft is found again that GitHub does not list yet, and without reading the list of all releases.
 * Only a hint: what is at that number is asked for, and has to be a draft of this tag. For the
 * files of publish/ only.
 */

#include "publish/github/github_api.h"

/*
 * Finds the draft that the file names. Returns 1, or 0: no file, of another repository or tag, not
 * readable as one, or no draft of this tag at that number (any more). -1: any other error.
 */
int github_hint_find(struct github *github, const char *tag, struct github_release *ret_draft,
		     struct error *err) CHECKED;

/* Writes down `github->remote`. Nothing happens without a path, or in a dry run. */
int github_hint_write(struct github *github, const char *tag, struct error *err) CHECKED;

/* Nothing is to be found again: the draft is published. That there is no file is fine. */
int github_hint_remove(struct github *github, struct error *err) CHECKED;
