#pragma once

/*
 * The signed tag of a release: the same inputs give the same object, so that doing it again is
 * nothing to do.
 */

#include "distributor/lazy_signer.h"
#include "distributor/release_info.h"
#include "publish/git_tag.h"
#include "sign/keyring.h"

struct tagging {
	const char *revision; /* what to tag */
	const char *tagger;   /* "NAME <EMAIL>", or NULL for the repository's identity */
	bool dry_run;
};

/*
 * Makes the tag. Returns 1 when it is new, 0 when it is there with the same content. ERR_BUSY when
 * it is there with other content, with both in the sentence. The key is read only for a new tag.
 */
int
tagging_run(const struct app *app, struct release_info *info, struct lazy_signer *lazy,
	    const struct tagging *tagging, char ret_id[REPO_ID_SIZE], struct error *err) CHECKED;
