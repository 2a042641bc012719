/* SPDX-License-Identifier: MIT */
#include "publish/github/github_lag.h"

#include "base/alloc.h"

static const struct {
	const char *what;
	unsigned int looks; /* at most; GITHUB_OPTIONS_DEFAULT has as many tries as the longest */
} table[] = {
	[GITHUB_LAG_NONE] = {"it", 1},
	/* Not there milliseconds after it was made (transparent-pegasus/qr-crypt#73). More often it
	   was never pushed, and then nobody should wait for long. */
	[GITHUB_LAG_TAG] = {"the tag", 3},
	/* Uploads to a draft of a second ago are answered with 404 (cli/cli#6599). */
	[GITHUB_LAG_DRAFT] = {"the draft", 4},
	/* Not listed for some seconds (cli/cli#6599, thiscallnet/Xtra#167). */
	[GITHUB_LAG_LISTED] = {"the draft", 3},
	/* Empty some 20 s after the last upload (zosmaai/zosma-cowork#318). */
	[GITHUB_LAG_ASSETS] = {"the list of files", 6},
	[GITHUB_LAG_RELEASE] = {"the release", 6},
	[GITHUB_LAG_LATEST] = {"the latest release", 6},
};

unsigned int
github_lag_looks(const struct github_options *options, enum github_lag lag)
{
	return table[lag].looks < options->tries ? table[lag].looks : options->tries;
}

const char *
github_lag_what(enum github_lag lag)
{
	return table[lag].what;
}
