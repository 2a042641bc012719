/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An OCI layout to image repositories: the work of `push`, and two steps of a release.
 */

#include "distributor/workspace/registry_access.h"
#include "distributor/workspace/workspace.h"
#include "images/push/push.h"

struct json_t;

/* Begin with STEP_PUSH_OPTIONS_DEFAULT. Strings are borrowed. */
struct step_push_options {
	const char *const *repositories; /* none: those of the matrix */
	size_t repository_count;
	const char *layout;  /* NULL: OUT/images */
	const char *version; /* of the layout; NULL: that of the matrix, where one is read */
	const char *mount_from;
	struct registry_access access;
	uint64_t connections;
	bool dry_run, replace_version, part;
	bool only_version; /* see images/push/push.h */
	bool unsigned_too; /* what nobody would verify under the name that it gets */
	bool list_effects; /* a dry run fills in `effects` */
	bool summary;      /* a dry run counts what it would send and lists nothing */
};

#define STEP_PUSH_OPTIONS_DEFAULT {.connections = 6}

/* One repository and how it went. */
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
 * Pushes to one repository after the other; one that fails does not keep the others from it. With
 * several failures each has its line in the log. `ret_pushing` tells of all, also on failure.
 *
 * The matrix is read when --matrix names it or when the repositories are its own: then the layout
 * has to be of its version. Parts are never signed; any other layout has to be, for each of the
 * repositories, by a key of `work`.
 *
 * ERR_USAGE when nobody names a repository; ERR_INPUT for a layout of a part or of another version;
 * ERR_VERIFY for one that is not signed; push_layout().
 */
int step_push(const struct workspace *work, const struct step_push_options *options,
	      struct step_push *ret_pushing, struct error *err) CHECKED;
