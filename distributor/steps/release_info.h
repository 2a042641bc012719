/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A release as matrix, lock, assets and repository tell it, gathered for signing and tagging.
 */

#include "distributor/documents/release.h"
#include "distributor/workspace/workspace.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "model/asset.h"

struct repo;

struct release_info {
	const struct matrix *matrix; /* borrowed, like the lock, from the workspace */
	const struct lock *lock;
	/* Where the images go: of the matrix, unless others were named. Borrowed. */
	struct text_list image_repositories;
	struct asset_list assets; /* of `tarballs`, or empty until release_info_load_assets() */
	struct repo *repo;        /* NULL outside of a repository */
	char *tag;                /* "v10.2.2-1" */
	char *repository;         /* "https://github.com/OWNER/REPO", or NULL */
	char *commit;             /* of HEAD, or NULL */
	char *lock_path, *builder, *invocation;
	char *matrix_inside, *lock_inside; /* their paths in the repository's tree */
	struct release_image *images;
	size_t image_count;
	struct release release; /* borrows from all of the above */
};

#define RELEASE_INFO_INIT {.repo = NULL}

void release_info_clear(struct release_info *info);

/*
 * Reads the repository (`repo_path`; NULL to leave it out) of a workspace that is loaded, which is
 * borrowed. Without a repository, or a commit in it, the commit stays unknown and a notice says so;
 * one that cannot be read is an error.
 */
int release_info_load(const struct workspace *work, const char *repo_path,
		      struct release_info *ret_info, struct error *err) CHECKED;

/*
 * Reads the repository for what was loaded without. 1 when its HEAD has a commit; 0 when there is
 * no repository, or no commit in it yet, with `err` saying which; -1 for everything else: ERR_INPUT,
 * ERR_IO.
 */
int
release_info_load_repo(struct release_info *info, const char *repo_path, struct error *err) CHECKED;

/*
 * Whether a revision, or HEAD, has this matrix and this lock, to the byte. ERR_NOT_FOUND without
 * such a commit, ERR_INPUT with the file that differs.
 */
int release_info_check_revision(const struct release_info *info, const struct workspace *work,
				const char *revision, struct error *err) CHECKED;
int release_info_check_committed(const struct release_info *info, const struct workspace *work,
				 struct error *err) CHECKED;

/*
 * Reads OUT/assets.json, unless `info` was given its assets, and checks that it was made from this lock, and the tags of OUT/images if
 * images were built. Images of a part of the hosts, or of another version, are ERR_INPUT.
 */
int release_info_load_assets(const struct workspace *work, struct release_info *info,
			     struct error *err) CHECKED;

/*
 * In a GitHub run that a tag started: checks that tag before any secret is read. Its signature has
 * to be by an allowed key, its name that of the reference and of the matrix' version, its commit
 * HEAD. Any other run passes. ERR_VERIFY.
 */
int release_info_check_trigger(const struct release_info *info, const char *keys,
			       struct error *err) CHECKED;

/*
 * The same checks of the tag `name`, asked for by hand. `root` is the fingerprint that the root key
 * of `keys` has to have, or NULL. `*ret_signer` is the fingerprint of the key that has signed it, to
 * be freed by the caller.
 */
int release_info_check_tag(const struct release_info *info, const char *name, const char *keys,
			   const char *root, char **ret_signer, struct error *err) CHECKED;

/*
 * The same of the matrix' own tag, and that it has this matrix and this lock. `*ret_signer` is the
 * fingerprint of the key that has signed it, to be freed by the caller. ERR_VERIFY.
 */
int release_info_check_tagged(const struct release_info *info, const struct workspace *work,
			      const char *root, char **ret_signer, struct error *err) CHECKED;

/*
 * A file's path as a path of a repository whose root is the current directory if it can be one, else
 * its bare name; to be freed by the caller. ERR_IO when it cannot be found out where the file lies.
 */
int repository_path(const char *path, char **ret_inside, struct error *err) CHECKED;
