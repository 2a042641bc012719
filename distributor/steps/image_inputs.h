/* SPDX-License-Identifier: MIT */
#pragma once

/* The inputs of the images of a release, from matrix, lock and tarballs. */

#include "base/words.h"
#include "distributor/workspace/workspace.h"
#include "images/build.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "pack/packlist.h"

struct image_inputs {
	struct image_set set; /* borrows from here, and from matrix and lock */
	struct image_host *hosts;
	struct image_tarball *tarballs;
	struct words texts; /* whatever else is owned */
};

void image_inputs_clear(struct image_inputs *inputs);

/* Where the inputs are. */
struct image_places {
	const char *assets;              /* directory of the tarballs */
	const char *registrars;          /* directory, or NULL; see registrar_find() */
	const struct packlist *packlist; /* of the tarballs, or NULL */
	int64_t created_sec;
};

/*
 * Collects the inputs for the hosts that `work` wants; compression and revision are left to
 * the caller. `work` is loaded and outlives the result. ERR_INPUT names the
 * missing tarball or registrar, and the command that builds it.
 */
int image_inputs_collect(const struct workspace *work, const struct image_places *places,
			 struct image_inputs *ret_inputs, struct error *err) CHECKED;
