/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of distributor/reproducing*.c share. */

#include "distributor/documents/release.h"
#include "distributor/steps/reproduce.h"
#include "distributor/verify/release_json.h"
#include "images/layout.h"

struct remote_release;

/* One run. */
struct reproduction {
	const struct workspace *work;
	const struct step_reproduce_options *options;
	struct step_reproduce *result;
	const char *tag;                 /* what was asked for, if it was a tag */
	struct verify_files files;       /* of the published release */
	char *directory;                 /* they are in; or NULL */
	struct remote_release *url;      /* they are at; or NULL */
	struct layout *published_images; /* or NULL */
	struct release_origin origin;
	struct release_image *images; /* of the origin, when they are not made */
	size_t image_count;
	char *scratch, *out, *matrix_path, *lock_path;
	struct workspace made; /* for the steps */
};

/* Larger files are compared by digest alone. */
enum { MAX_EXPLAINED = 128 << 20 };

/* Adds a row; takes ownership of both texts. */
void step_reproduce_add(struct step_reproduce *r, char *name, enum reproduced state, char *detail);

int step_reproduce_compare_files(struct reproduction *p, struct error *err) CHECKED;
int step_reproduce_compare_images(struct reproduction *p, struct error *err) CHECKED;
