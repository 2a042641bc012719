#pragma once

/* What the files of distributor/releasing*.c share. */

#include "distributor/steps/release.h"
#include "distributor/steps/signer.h"

struct releasing {
	struct app app; /* with the keys that are used */
	const struct releasing_options *options;
	struct key_source key;
	char *key_path, *keys_path; /* of a throw-away key */
	char *repo_path;            /* of a repository that was made */
	struct release_info info;
	struct keyring keyring;
	struct lazy_signer signer;
	bool triggered;      /* a tag started this run */
	bool tag_is_pending; /* a dry run would have made or pushed it */
	struct secret token; /* for GitHub */
	struct publishing *publishing;
	int lock; /* descriptor */
	struct release_step steps[RELEASE_STEPS];
};

/* Each sets state and detail of its step, or returns -1. */
typedef int release_step_run(struct releasing *r, struct release_step *step, struct error *err);

release_step_run releasing_lock, releasing_fetch, releasing_tarballs, releasing_images,
	releasing_sign, releasing_tag_step, releasing_draft, releasing_push, releasing_publish,
	releasing_latest, releasing_read_back;

/* Where the repository of the tag is; borrowed. */
const char *releasing_repo_path(const struct releasing *r);

/* STEP_DONE, or in a dry run STEP_WOULD: for what is written elsewhere than in OUT. */
enum step_state step_written(const struct releasing *r);

void step_end(struct release_step *step, enum step_state state, const char *format, ...)
	PRINTF_LIKE(3, 4);
