/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a release to a directory needs and nobody has provided: a key that is thrown away, a
 * repository for the tag. Both are made below OUT, once.
 */

#include "distributor/steps/key_input.h"
#include "distributor/steps/release_info.h"

/* Whether no key is named anywhere, and no list of public keys is there either. ERR_IO. */
int throwaway_needs_key(const struct workspace *work, const struct key_input *source,
			bool *ret_needs, struct error *err) CHECKED;

/*
 * Makes OUT/throw-away-key/release.pem and the public keys in OUT/throw-away-key/keys, or finishes
 * what an earlier run began, and says that nobody can trust it. The paths are to be freed by the
 * caller. ERR_IO, ERR_INPUT.
 */
int throwaway_key(const struct workspace *work, char **ret_key, char **ret_keys,
		  struct error *err) CHECKED;

/*
 * Makes, for a workspace that is loaded, OUT/repository.git with a commit of matrix, lock and public keys; a commit of them that the
 * tag of this version names is taken again. The path is to be freed by the caller. ERR_INPUT: the
 * lock is not of the matrix, or the tag has others than these. ERR_IO.
 */
int throwaway_repository(const struct workspace *work, char **ret_path, struct error *err) CHECKED;
