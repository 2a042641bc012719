/* SPDX-License-Identifier: MIT */
#include "publish/git/git_internal.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <git2.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_PACKED_REFS = 256 << 20 };

void
repo_object_freep(git_object **object)
{
	git_object_free(*object);
}

void
repo_reference_freep(git_reference **reference)
{
	git_reference_free(*reference);
}

void
repo_signature_freep(git_signature **signature)
{
	git_signature_free(*signature);
}

void
repo_commit_freep(git_commit **commit)
{
	git_commit_free(*commit);
}

void
repo_tree_freep(git_tree **tree)
{
	git_tree_free(*tree);
}

void
repo_config_freep(git_config **config)
{
	git_config_free(*config);
}

void
repo_odb_freep(git_odb **odb)
{
	git_odb_free(*odb);
}

void
repo_remote_freep(git_remote **remote)
{
	git_remote_free(*remote); /* also disconnects */
}

const char *
repo_reason(void)
{
	const git_error *last = git_error_last();

	return last != NULL && last->message != NULL ? last->message : "no reason given";
}

static int
unreadable(git_repository *git, const char *what, struct error *err)
{
	return error_set(err, ERR_IO, "cannot read '%s' of the git repository '%s': %s", what,
			 git_repository_path(git), repo_reason());
}

/* Whether packed-refs has a line of this reference: 1, 0, or -1. */
static int
is_packed(git_repository *git, const char *reference, struct error *err)
{
	auto_free char *path = path_join(git_repository_commondir(git), "packed-refs");
	auto_free char *line = xasprintf(" %s\n", reference);
	auto_free char *text = NULL;

	if (read_file(path, MAX_PACKED_REFS, &text, NULL, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	return strstr(text, line) != NULL;
}

int
repo_check_absent(git_repository *git, const char *reference, struct error *err)
{
	auto_free char *path = path_join(git_repository_commondir(git), reference);
	struct stat st;
	int packed;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return error_set_errno(err, ERR_IO, "cannot read '%s'", path);
	} else if (!S_ISDIR(st.st_mode)) {
		return unreadable(git, reference, err);
	}
	packed = is_packed(git, reference, err);
	return packed > 0 ? unreadable(git, reference, err) : packed;
}

int
repo_reference_find(git_repository *git, const char *reference, git_reference **ret_reference,
		    struct error *err)
{
	int code = git_reference_lookup(ret_reference, git, reference);

	if (code == 0)
		return 1;
	*ret_reference = NULL;
	if (code == GIT_EINVALIDSPEC)
		return 0;
	if (code != GIT_ENOTFOUND)
		return unreadable(git, reference, err);
	return repo_check_absent(git, reference, err);
}

int
repo_head_find(git_repository *git, git_commit **ret_commit, struct error *err)
{
	AUTO(repo_reference_freep) git_reference *head = NULL, *symbolic = NULL;
	AUTO(repo_object_freep) git_object *commit = NULL;
	int code = git_repository_head(&head, git);

	if (code == GIT_EUNBORNBRANCH || code == GIT_ENOTFOUND) {
		if (git_reference_lookup(&symbolic, git, "HEAD") < 0 ||
		    git_reference_type(symbolic) != GIT_REFERENCE_SYMBOLIC)
			return unreadable(git, "HEAD", err);
		return repo_check_absent(git, git_reference_symbolic_target(symbolic), err);
	}
	if (code < 0 || git_reference_peel(&commit, head, GIT_OBJECT_COMMIT) < 0)
		return unreadable(git, "HEAD", err);
	*ret_commit = (git_commit *)TAKE(commit);
	return 1;
}

int
repo_config(git_repository *git, git_config **ret_config, struct error *err)
{
	if (git_repository_config(ret_config, git) < 0)
		return unreadable(git, "config", err);
	return 0;
}

int
repo_config_each(git_config *config, void (*visit)(const char *name, const char *value, void *to),
		 void *to, struct error *err)
{
	git_config_iterator *iterator = NULL;
	git_config_entry *entry;
	int code = git_config_iterator_new(&iterator, config);

	while (code == 0 && (code = git_config_next(&entry, iterator)) == 0)
		visit(entry->name, entry->value != NULL ? entry->value : "", to);
	git_config_iterator_free(iterator);
	if (code != GIT_ITEROVER)
		return error_set(err, ERR_IO, "cannot read the configuration of git: %s",
				 repo_reason());
	return 0;
}
