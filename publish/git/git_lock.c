/* SPDX-License-Identifier: MIT */
#include "publish/git/git_lock.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "publish/git/git_internal.h"

#include <errno.h>
#include <git2.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LEFT_SEC = 5, LOOK_MS = 100 };

static void
repository_freep(git_repository **git)
{
	git_repository_free(*git);
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
give_up_lock(const char *path, bool own, struct error *err)
{
	if (!own)
		return error_set(err, ERR_BUSY,
				 "'%s' is locked by another git process; if none is running, "
				 "remove that file and run this again",
				 path);
	log_debug("removing stale lock '%s'", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
	return 0;
}

/*
 * By our own waiting: clocks are set, and differ between machines. What is our own and old need not
 * be waited for.
 */
static int
wait_for_lock(const char *path, bool own, struct error *err)
{
	struct stat st, before = {.st_ino = 0};

	for (int looks = 0; lstat(path, &st) == 0; looks++) {
		if (!is_same(&st, &before))
			looks = 0;
		before = st;
		if (looks * LOOK_MS >= LEFT_SEC * 1000 ||
		    (own && time(NULL) - st.st_mtime >= LEFT_SEC))
			return give_up_lock(path, own, err);
		if (interrupt_check(err) < 0)
			return -1;
		(void)interrupt_pause(LOOK_MS);
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	return 0;
}

int
git_lock_wait(git_repository *git, const char *reference, bool own, struct error *err)
{
	AUTO(repo_reference_freep) git_reference *head = NULL;
	auto_free char *path = NULL;

	/* HEAD says which branch it stands for, also one without a commit. */
	if (git_reference_lookup(&head, git, reference) == 0 &&
	    git_reference_type(head) == GIT_REFERENCE_SYMBOLIC)
		reference = git_reference_symbolic_target(head);
	path = xasprintf("%s%s.lock", git_repository_commondir(git), reference);
	return wait_for_lock(path, own, err);
}

int
git_lock_wait_at(const char *url, const char *reference, struct error *err)
{
	AUTO(repository_freep) git_repository *git = NULL;
	const char *path = text_starts_with(url, "file://") ? url + strlen("file://") : url;
	bool there;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there || git_repository_open(&git, path) < 0)
		return 0;
	return git_lock_wait(git, reference, false, err);
}
