/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The images of a release from its tarballs: the work of `images`, and a step of a release.
 */

#include "distributor/workspace/workspace.h"
#include "images/build.h"

/* Zeroed: the defaults of `images`. Strings are borrowed. */
struct step_images_options {
	bool zstd;
	const char *revision;   /* a full commit id; NULL: that of the published release, if any */
	const char *registrars; /* directory, or NULL: those of this program */
	const char *from_release; /* directory or URL of a published release, or NULL: OUT/assets */
	/* What OUT/assets was packed from, of `tarballs`; NULL: OUT/packed.json is read. */
	const struct packlist *packlist;
};

struct packlist;
struct release_info;

/*
 * Sets the revision, unless it is set, to the commit of HEAD if that contains this matrix and lock,
 * as `release` does; borrowed from `info`, which was loaded without a repository. A repository is
 * optional, but one that cannot be read is an error. ERR_USAGE, ERR_IO, ERR_INPUT.
 */
int step_images_find_revision(const struct workspace *work, struct release_info *info,
			      struct step_images_options *options, struct error *err) CHECKED;

/*
 * Builds OUT/images from OUT/assets or a published release, for a loaded workspace, holding the lock
 * of OUT. ERR_USAGE:
 * `revision`, a host. Errors of published_tarballs_prepare(), image_inputs_collect() and
 * build_images().
 */
int step_images(const struct workspace *work, const struct step_images_options *options,
		struct build_result *ret_result, struct error *err) CHECKED;
