/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A bare git repository with one commit per release, for those who have none of their own.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct repo_file {
	const char *path; /* inside, with '/' between folders */
	const char *text;
	size_t length;
};

struct repo_content {
	const struct repo_file *files; /* the whole tree */
	size_t count;
	const char *name, *email; /* of author and committer */
	int64_t time_sec;
	const char *message;
	const char *tag; /* a name whose commit is taken, where it has this tree; or NULL */
};

/*
 * Makes sure that the branch `main` of the repository at `path` has this tree: makes the repository
 * when there is none, goes to the commit of the tag if that has it, and adds a commit when the last
 * one has another tree. The repository is taken for our own: its caller holds a lock that keeps
 * other runs out, and locks of git that a killed run has left there are removed. The same content
 * gives the same ids. A new repository appears complete or not at all. Returns 1 when something was
 * made, else 0. ERR_INPUT (a path that git does not take), ERR_IO.
 */
int repo_make(const char *path, const struct repo_content *content, struct error *err) CHECKED;
