/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A tarball of a release, as images are made from it.
 */

#include "base/digest.h"

struct packlist_member;

/* All of it is borrowed. */
struct image_tarball {
	const char *target;
	const char *path;
	const struct digest *program; /* of the emulator in it, as the lock has it */
	/* What `tarballs` noted of it; compared with the file. NULL: it is found out. */
	const struct packlist_member *packed;
};
