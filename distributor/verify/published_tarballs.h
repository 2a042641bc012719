/* SPDX-License-Identifier: MIT */
#pragma once

/* The verified tarballs of a published release, to build images from. */

#include "distributor/workspace/workspace.h"

/*
 * Provides the tarballs for the images of the wanted hosts. `from` is a directory, which is used
 * directly, or a base URL (https or file), from which they are downloaded into OUT/assets, unless
 * they exist there with the right digest. Then the signature over SHA256SUMS, the version, and each
 * file are verified with the keys of `work`, which is loaded.
 *
 * Stores the directory of the tarballs, to be freed by the caller. ERR_VERIFY with the first check
 * that failed, ERR_NETWORK, ERR_NOT_FOUND, ERR_INPUT, ERR_IO.
 */
int published_tarballs_prepare(const struct workspace *work, const char *from, char **ret_directory,
			       struct error *err) CHECKED;
