/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signed tag of a release: the same inputs give the same object, so that doing it again is
 * nothing to do.
 */

#include "distributor/steps/release_info.h"
#include "distributor/steps/signer.h"
#include "publish/git/git_tag.h"
#include "sign/check/keyring.h"

struct step_tag {
	const char *revision; /* what to tag */
	const char *tagger;   /* "NAME <EMAIL>", or NULL for the repository's identity */
	bool name_sums;       /* say of which SHA256SUMS it is: that of OUT/assets */
	bool dry_run;
};

struct step_tag_result {
	char id[REPO_ID_SIZE];
	bool names_sums; /* the tag is of one SHA256SUMS, and of no other build */
};

/*
 * Makes the tag. Returns 1 when it is new, 0 when it is there with the same content, whether or not
 * both name a SHA256SUMS. ERR_BUSY when it is there with other content, with both in the sentence;
 * ERR_INPUT when the SHA256SUMS to be named is not signed for this release. The key is read only
 * for a new tag.
 */
int step_tag(const struct workspace *work, struct release_info *info, struct lazy_signer *lazy,
	     const struct step_tag *tagging, struct step_tag_result *ret_result,
	     struct error *err) CHECKED;
