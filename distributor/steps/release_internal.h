/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of distributor/releasing*.c share. */

#include "distributor/steps/release.h"
#include "distributor/steps/signer.h"
#include "pack/packlist.h"

struct release_run {
	struct workspace work; /* with the keys that are used */
	const struct release_run_options *options;
	struct key_input key;
	char *key_path, *keys_path; /* of a throw-away key */
	char *repo_path;            /* of a repository that was made */
	/* What a step has made, for those after it. */
	struct release_info info;
	struct packlist packlist;
	struct keyring keyring;
	struct lazy_signer signer;
	bool triggered;      /* a tag started this run */
	bool tag_is_pending; /* a dry run would have made or pushed it */
	struct secret token; /* for GitHub */
	struct step_publish *publishing;
	int lock; /* descriptor */
	struct release_step steps[RELEASE_STEPS];
};

/* Each sets state and detail of its step, or returns -1. */
typedef int release_step_run(struct release_run *r, struct release_step *step, struct error *err);

release_step_run release_run_lock, release_run_fetch, release_run_tarballs, release_run_images,
	release_run_sign, release_run_tag_step, release_run_draft, release_run_push,
	release_run_publish, release_run_latest, release_run_read_back;

/* Where the repository of the tag is; borrowed. */
const char *release_run_repo_path(const struct release_run *r);

/* STEP_DONE, or in a dry run STEP_WOULD: for what is written elsewhere than in OUT. */
enum step_state step_written(const struct release_run *r);

void step_end(struct release_step *step, enum step_state state, const char *format, ...)
	PRINTF_LIKE(3, 4);
