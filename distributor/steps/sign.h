/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signed files of a release directory: writes what is missing or differs, keeps what is right.
 */

#include "distributor/steps/release_info.h"
#include "distributor/steps/signer.h"
#include "sign/check/keyring.h"

/* How a directory stood and stands. */
struct step_sign_result {
	size_t assets;
	size_t written; /* files that were new or differed */
	struct digest sums;
};

/*
 * Checks OUT/assets against the asset list, then writes documents, provenance, SHA256SUMS and its
 * signatures. The key is asked for only when a signature is missing, and before anything is
 * written. ERR_VERIFY: an asset is not what the list says; ERR_INPUT: a file there belongs to
 * nothing.
 */
int step_sign(const struct workspace *work, struct release_info *info, struct lazy_signer *lazy,
	      struct step_sign_result *ret_result, struct error *err) CHECKED;

/*
 * Only the documents that need no key: what each file is made of, and release.json. Errors of
 * step_sign().
 */
int step_sign_documents(const struct workspace *work, struct release_info *info,
			struct error *err) CHECKED;

/*
 * 1 if OUT/assets has a SHA256SUMS with both signatures, by keys of the ring, for the release of
 * `info` and for no other, 0 if not. Its files are not looked at. ERR_IO, ERR_INTERRUPTED.
 */
int step_sign_is_done(const struct workspace *work, const struct release_info *info,
		      const struct keyring *keyring, struct error *err) CHECKED;
