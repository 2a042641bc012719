/* SPDX-License-Identifier: MIT */
#pragma once

/* Pushes an OCI layout to image repositories: the work of `push`, and two steps of a release. */

#include "distributor/workspace/registry_access.h"
#include "distributor/workspace/workspace.h"
#include "images/push/push.h"

struct json_t;
struct keyring;

/* Begin with STEP_PUSH_OPTIONS_DEFAULT. Strings are borrowed. */
struct step_push_options {
	const char *const *repositories; /* none: those of the matrix */
	size_t repository_count;
	const char *layout;  /* NULL: OUT/images */
	const char *version; /* of the layout; NULL: that of the matrix, where one is read */
	const struct keyring *keyring; /* of who may sign; NULL: it is read */
	struct registry_access access;
	uint64_t connections;
	bool dry_run, replace_version, part;
	bool only_version; /* see images/push/push.h */
	bool unsigned_too; /* also images that cannot be verified under their new name */
	bool list_effects; /* a dry run fills in `effects` */
	bool summary;      /* a dry run counts what it would send and lists nothing */
};

#define STEP_PUSH_OPTIONS_DEFAULT {.connections = 6}

/* One repository and its result. */
struct step_push_target {
	struct reference reference;
	struct push_result result;
	struct error err;
	bool failed;
	struct json_t *effects; /* of a dry run with `list_effects` */
};

struct step_push {
	struct step_push_target *targets;
	size_t count;
	size_t done; /* targets that were tried */
};

#define STEP_PUSH_INIT {NULL, 0, 0}

void step_push_clear(struct step_push *pushing);

/*
 * Pushes to one repository after the other, even if one fails. If several fail, each is logged.
 * `ret_pushing` contains all results, also on failure.
 *
 * If the workspace has a matrix, and the options no version, the layout must have its version. Parts
 * are never signed; any other layout must be signed for each repository by a key of `work`.
 *
 * ERR_USAGE without a repository; ERR_INPUT for a part or a different version; ERR_VERIFY if it is
 * not signed; errors of push_layout().
 */
int step_push(const struct workspace *work, const struct step_push_options *options,
	      struct step_push *ret_pushing, struct error *err) CHECKED;
