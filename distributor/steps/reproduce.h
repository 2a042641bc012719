/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes a published release once more, from what its tag or its own documents say it was made
 * from, and compares every byte.
 */

#include "distributor/workspace/workspace.h"

enum reproduced {
	REPRODUCED_SAME,
	REPRODUCED_DIFFERS,
	REPRODUCED_MISSING, /* it was made here and is not part of the release */
	/*
	 * It is part of the release and was not made; or a name in OUT/images that the release does
	 * not list.
	 */
	REPRODUCED_EXTRA,
	REPRODUCED_OWN, /* it is of the run that signed, and nobody can make it again */
};

struct reproduced_row {
	char *name; /* of a file, or "image TAG" */
	enum reproduced state;
	char *detail; /* or NULL */
};

struct step_reproduce_options {
	const char *what;       /* a tag, a directory, a base URL */
	const char *against;    /* for a tag: directory or URL of its files; NULL: GitHub's */
	const char *repo_path;  /* with the tag */
	const char *registrars; /* or NULL */
	const char *keep;       /* directory to make it in, which stays; NULL: a temporary one */
	bool no_images;
};

struct step_reproduce {
	char *tag, *commit, *program; /* of the release; the last is the version that made it */
	char *made_in;                /* where it was made, as long as that is there; or NULL */
	struct reproduced_row *rows;
	size_t count;
	size_t different;    /* rows that are neither the same nor of the run */
	size_t recompressed; /* of these: files with the same content, compressed otherwise */
};

#define STEP_REPRODUCE_INIT {.tag = NULL}

void step_reproduce_clear(struct step_reproduce *reproducing);

/*
 * Returns 0 when everything could be compared, whatever came of it. ERR_NOT_FOUND, ERR_INPUT,
 * ERR_VERIFY: what it was made from cannot be had; and errors of the steps.
 */
int step_reproduce(const struct workspace *work, const struct step_reproduce_options *options,
		   struct step_reproduce *ret_reproducing, struct error *err) CHECKED;
