/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Verifies an image in a registry, as any user can: its signatures and those of the images in it.
 */

#include "distributor/verify/verify.h"
#include "distributor/workspace/registry_access.h"
#include "sign/check/keyring.h"

/* Strings are borrowed, or NULL. */
struct image_verify_options {
	const char *signed_as; /* repository that it was published as, when this is a mirror */
	const char *tag;       /* "v10.2.2-1", compared with the name, if that has a version */
	struct registry_access access;
	bool anonymous; /* do not use any login */
};

/*
 * Adds what was found to the report: that the registry has what the name promises, a signature
 * over exactly this digest under exactly this name (under any tag for a name that has a digest and
 * no tag), the same for each image of an index, and the sigstore bundle. -1 when the registry could
 * not be asked: ERR_INPUT (the name), ERR_DENIED (it has no such image, or not for this login),
 * ERR_NETWORK, ERR_REMOTE, ERR_VERIFY.
 */
int image_verify(const char *name, const struct image_verify_options *options,
		 const struct keyring *keyring, struct verify_report *report,
		 struct error *err) CHECKED;
