#pragma once

/*
 * References are written under a lock, the file REFERENCE.lock in the directory of the repository.
 * git and libgit2 hold it for a moment; who is killed in it leaves it there for ever, and nobody
 * can write that reference again.
 */

#include "base/error.h"

struct git_repository;

/*
 * Waits as long as the lock of `reference` ("refs/tags/v1", or "HEAD" for the branch behind it) is
 * there, and removes it when it is some seconds old: then it is nobody's. ERR_INTERRUPTED, ERR_IO.
 */
int git_lock_wait(struct git_repository *git, const char *reference, struct error *err) CHECKED;

/* The same for the repository at `url` if that is a path on this machine; others are left alone. */
int git_lock_wait_at(const char *url, const char *reference, struct error *err) CHECKED;
