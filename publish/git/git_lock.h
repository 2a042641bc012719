/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * References are written under a lock, the file REFERENCE.lock in the directory of the repository.
 * git and libgit2 hold it for a moment, or as long as a hook runs; who is killed in it leaves it
 * there for ever, and nobody can write that reference again.
 */

#include "base/error.h"

#include <stdbool.h>

struct git_repository;

/*
 * Waits while the lock of `reference` ("refs/tags/v1", or "HEAD" for the branch behind it) is
 * there. One that has not changed for some seconds is ERR_BUSY, with its path: its process may be
 * alive, and git leaves it to people too. Only where the repository is our own, and no process but
 * this one works in it, is such a lock removed. ERR_INTERRUPTED, ERR_IO.
 */
int git_lock_wait(struct git_repository *git, const char *reference, bool own,
		  struct error *err) CHECKED;

/*
 * The same for the repository at `url` if that is a path on this machine, which is never our own;
 * other URLs are left alone.
 */
int git_lock_wait_at(const char *url, const char *reference, struct error *err) CHECKED;
