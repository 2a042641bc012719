/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files over libgit2 share: publish/git_*.c only. */

#include "base/error.h"

#include <stdbool.h>

struct git_commit;
struct git_config;
struct git_object;
struct git_odb;
struct git_oid;
struct git_reference;
struct git_remote;
struct git_repository;
struct git_signature;
struct git_tree;

struct repo {
	struct git_repository *git;
	char *path; /* absolute, where the user said that it is */
	bool own;   /* made by this program, which holds a lock of its own on it */
};

/* For AUTO(). */
void repo_object_freep(struct git_object **object);
void repo_reference_freep(struct git_reference **reference);
void repo_signature_freep(struct git_signature **signature);
void repo_commit_freep(struct git_commit **commit);
void repo_tree_freep(struct git_tree **tree);
void repo_config_freep(struct git_config **config);
void repo_odb_freep(struct git_odb **odb);
void repo_remote_freep(struct git_remote **remote);

/*
 * git_libgit2_init(), with an allocator that ends the program when memory is gone. To be followed
 * by git_libgit2_shutdown(). ERR_IO.
 */
int repo_library_start(struct error *err) CHECKED;

/* What libgit2 said last, never NULL. */
const char *repo_reason(void);

/*
 * 0 when the full name `reference` is a branch or tag that this repository does not have. libgit2
 * says "not found" also of a file that it could not look at, so that this looks again: ERR_IO when
 * the reference is there after all, or when it cannot be known.
 */
int repo_check_absent(struct git_repository *git, const char *reference, struct error *err) CHECKED;

/*
 * The reference of this full name: 1 and the reference, to be freed by the caller; 0 when there is
 * none, for certain; or -1: ERR_IO.
 */
int repo_reference_find(struct git_repository *git, const char *reference,
			struct git_reference **ret_reference, struct error *err) CHECKED;

/*
 * The commit of HEAD: 1 and the commit, to be freed by the caller; 0 in a repository without a
 * commit yet; or -1: ERR_IO.
 */
int repo_head_find(struct git_repository *git, struct git_commit **ret_commit,
		   struct error *err) CHECKED;

/*
 * The object that refs/tags/NAME holds. ERR_NOT_FOUND when there is none, for certain; ERR_VERIFY
 * for a symbolic reference; ERR_IO.
 */
int repo_tag_find(struct repo *repo, const char *name, struct git_oid *ret_oid,
		  struct error *err) CHECKED;

/* As it is configured, of the repository, the user and the system. To be freed. ERR_IO. */
int
repo_config(struct git_repository *git, struct git_config **ret_config, struct error *err) CHECKED;

/* Hands each setting to `visit`; names are in lower case but for their middle part. ERR_IO. */
int repo_config_each(struct git_config *config,
		     void (*visit)(const char *name, const char *value, void *to), void *to,
		     struct error *err) CHECKED;
