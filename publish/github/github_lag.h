/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What GitHub shows a moment after it was written. For the files of publish/ only.
 *
 * Whoever writes is answered by one server, and the next question by another, which may not have
 * heard of it yet. So one answer of "not there" is not final where this run, or the one before it,
 * has just put it there: it is asked again, as often as the table says and with waits that double
 * (1, 2, 4, 8, 16 s). What stays unseen after that is ERR_NETWORK, "run this again", and never a
 * failed verification: a list that lags says nothing about the bytes.
 */

#include "publish/github/github_options.h"

enum github_lag {
	GITHUB_LAG_NONE,  /* the first answer is taken */
	GITHUB_LAG_TAG,   /* the reference of a tag that was pushed */
	GITHUB_LAG_DRAFT, /* a draft, by its number: its assets, an upload to it, its publication */
	GITHUB_LAG_LISTED,  /* a draft, among all releases, or where its number was remembered */
	GITHUB_LAG_ASSETS,  /* files of a release, in their list */
	GITHUB_LAG_RELEASE, /* what was published, under its tag */
	GITHUB_LAG_LATEST,  /* ... and as the latest release */
};

/* How often to look, the first time included. */
unsigned int github_lag_looks(const struct github_options *options, enum github_lag lag);

/* What is looked for, in words: "the draft". */
const char *github_lag_what(enum github_lag lag);
