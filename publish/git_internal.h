#pragma once

/* What the files over libgit2 share: publish/git_*.c only. */

struct git_repository;

struct repo {
	struct git_repository *git;
};
