#pragma once

/* What the files over libgit2 share: publish/git_*.c only. */

#include "base/error.h"

struct git_object;
struct git_reference;
struct git_repository;
struct git_signature;

struct repo {
	struct git_repository *git;
};

/* For AUTO(). */
void repo_object_freep(struct git_object **object);
void repo_reference_freep(struct git_reference **reference);
void repo_signature_freep(struct git_signature **signature);

/* What libgit2 said last, never NULL. */
const char *repo_reason(void);

/*
 * The part of a path below the directory `root`, to be freed by the caller, or NULL when it is not
 * below. Links are followed in the directories, and the file itself may be gone.
 */
char *repo_path_inside(const char *root, const char *path) CHECKED;
