/* SPDX-License-Identifier: MIT */
#include "publish/git/git_tag.h"

#include "base/alloc.h"
#include "base/file.h"
#include "publish/git/git_internal.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Extensions of the repository format that change nothing of what is read here. worktreeConfig is
 * followed by add_worktree_config().
 */
static const char *const harmless_extensions[] = {
	"worktreeconfig",
	"relativeworktrees",
	"preciousobjects",
	"partialclone",
};

/* libgit2 forgets them when it is shut down. */
static int
start_library(struct error *err)
{
	const char *names[ARRAY_SIZE(harmless_extensions)];

	memcpy(names, harmless_extensions, sizeof(names));
	if (repo_library_start(err) < 0)
		return -1;
	if (git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, ARRAY_SIZE(names)) == 0)
		return 0;
	error_set(err, ERR_IO, "cannot start libgit2: %s", repo_reason());
	(void)git_libgit2_shutdown();
	return -1;
}

static int
exists(const char *directory, const char *name, bool *ret_there, struct error *err)
{
	auto_free char *path = path_join(directory, name);

	return path_exists(path, ret_there, err);
}

/* 0 if `directory` neither is nor holds a repository, whole or not. */
static int
check_no_repository(const char *directory, struct error *err)
{
	auto_free char *dot_git = path_join(directory, ".git");
	bool there, head, objects, refs;

	if (path_exists(dot_git, &there, err) < 0 || exists(directory, "HEAD", &head, err) < 0 ||
	    exists(directory, "objects", &objects, err) < 0 ||
	    exists(directory, "refs", &refs, err) < 0)
		return error_prefix(err, "cannot search for a git repository");
	if (there)
		return error_set(err, ERR_IO, "'%s' cannot be opened as a git repository: %s",
				 dot_git, repo_reason());
	if (head && (objects || refs))
		return error_set(err, ERR_IO, "'%s' cannot be opened as a git repository: %s",
				 directory, repo_reason());
	return 0;
}

/*
 * libgit2 takes for no repository what it cannot look at, or what lacks a part. 0 only if from
 * `path` up there is nothing that could be one, as far as git looks: to another file system.
 */
static int
check_none(const char *path, struct error *err)
{
	auto_free char *at = xstrdup(path);
	struct stat first, st;
	char *slash;

	if (stat(at, &first) < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", at);
	for (;;) {
		if (check_no_repository(at, err) < 0)
			return -1;
		slash = strrchr(at, '/');
		if (slash == NULL || strcmp(at, "/") == 0)
			return 0;
		slash[slash == at ? 1 : 0] = '\0';
		if (stat(at, &st) < 0)
			return error_set_errno(err, ERR_IO, "cannot read '%s'", at);
		if (st.st_dev != first.st_dev)
			return 0;
	}
}

/* What git can do about a format that libgit2 does not know, or NULL. */
static const char *
format_advice(const char *reason)
{
	if (strstr(reason, "refstorage") != NULL)
		return "its references are not stored in files; convert them with: git refs "
		       "migrate --ref-format=files";
	if (strstr(reason, "objectformat") != NULL || strstr(reason, "object format") != NULL)
		return "object ids other than SHA-1 are not supported; convert it with: git init "
		       "--object-format=sha1 DIR && git fast-export --all --signed-tags=strip | "
		       "git -C DIR fast-import";
	return NULL;
}

/*
 * A repository of another user: GIT_EOWNER with a global configuration, GIT_ENOTFOUND about
 * safe.directory without one. "*" does not help, only the exact path.
 */
static int
explain_open(int code, const char *path, const char *real, struct error *err)
{
	auto_free char *reason = xstrdup(repo_reason());
	const char *advice = format_advice(reason);

	if (code == GIT_EOWNER || strstr(reason, "safe.directory") != NULL)
		return error_set(err, ERR_IO,
				 "the repository at '%s' belongs to another user; allow it with: "
				 "git config --global --add safe.directory %s",
				 path, real);
	if (advice != NULL)
		return error_set(err, ERR_INPUT, "cannot open the git repository at '%s' (%s): %s",
				 path, reason, advice);
	if (code == GIT_ENOTFOUND && check_none(real, err) == 0)
		return error_set(err, ERR_NOT_FOUND, "no git repository at '%s'", path);
	if (code == GIT_ENOTFOUND)
		return -1;
	return error_set(err, ERR_IO, "cannot open the git repository at '%s': %s", path, reason);
}

/* What this worktree alone is configured to; libgit2 reads it since 1.8. */
static int
add_worktree_config(git_repository *git, struct error *err)
{
	AUTO(repo_config_freep) git_config *config = NULL;
	auto_free char *path = path_join(git_repository_path(git), "config.worktree");
	bool there;
	int enabled = 0;

	if (repo_config(git, &config, err) < 0)
		return -1;
	if (git_config_get_bool(&enabled, config, "extensions.worktreeconfig") < 0 || enabled != 1)
		return 0;
	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	if (git_config_add_file_ondisk(config, path, GIT_CONFIG_LEVEL_APP, git, 1) < 0)
		return error_set(err, ERR_IO, "cannot read '%s': %s", path, repo_reason());
	return 0;
}

int
repo_open(const char *path, struct repo **ret_repo, struct error *err)
{
	auto_free char *real = realpath(path, NULL);
	git_repository *git = NULL;
	int code;

	if (real == NULL && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, ERR_INPUT, "directory '%s' not found", path);
	if (real == NULL)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", path);
	if (start_library(err) < 0)
		return -1;
	code = git_repository_open_ext(&git, real, 0, NULL);
	if (code < 0 ? explain_open(code, path, real, err) < 0
		     : add_worktree_config(git, err) < 0) {
		git_repository_free(git);
		(void)git_libgit2_shutdown();
		return -1;
	}
	*ret_repo = xcalloc(1, sizeof(**ret_repo));
	(*ret_repo)->git = git;
	(*ret_repo)->path = TAKE(real);
	return 0;
}

void
repo_free(struct repo *repo)
{
	if (repo == NULL)
		return;
	git_repository_free(repo->git);
	(void)git_libgit2_shutdown();
	free(repo->path);
	free(repo);
}

void
repo_freep(struct repo **repo)
{
	repo_free(*repo);
	*repo = NULL;
}

void
repo_set_own(struct repo *repo)
{
	repo->own = true;
}
