/* SPDX-License-Identifier: MIT */
#include "publish/git/git_tag.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "publish/git/git_internal.h"
#include "publish/git/git_lock.h"

#include <assert.h>
#include <git2.h>
#include <string.h>

enum { MAX_TAG = 65536 };

static void
odb_object_freep(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void
format_id(const git_oid *oid, char id[REPO_ID_SIZE])
{
	git_oid_tostr(id, REPO_ID_SIZE, oid);
}

/* Of HEAD, where "no commit yet" is an answer. */
static int
head_commit(struct repo *repo, char ret_id[REPO_ID_SIZE], struct error *err)
{
	AUTO(repo_commit_freep) git_commit *commit = NULL;
	int found = repo_head_find(repo->git, &commit, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_NOT_FOUND, "the git repository '%s' has no commits yet",
				 git_repository_path(repo->git));
	format_id(git_commit_id(commit), ret_id);
	return 0;
}

/* libgit2 has not found it: ERR_NOT_FOUND only if it is not a reference whose object is missing. */
static int
explain_missing(struct repo *repo, const char *revision, struct error *err)
{
	AUTO(repo_reference_freep) git_reference *reference = NULL;
	auto_free char *reason = xstrdup(repo_reason());

	int code = git_reference_dwim(&reference, repo->git, revision);

	if (code != GIT_ENOTFOUND && code != GIT_EINVALIDSPEC)
		return error_set(err, ERR_IO, "cannot read '%s' of the git repository '%s': %s",
				 revision, git_repository_path(repo->git), reason);
	if (text_starts_with(revision, "refs/") && repo_check_absent(repo->git, revision, err) < 0)
		return -1;
	return error_set(err, ERR_NOT_FOUND, "no commit '%s' in the git repository '%s': %s",
			 revision, git_repository_path(repo->git), reason);
}

int
repo_commit(struct repo *repo, const char *revision, char ret_id[REPO_ID_SIZE], struct error *err)
{
	AUTO(repo_object_freep) git_object *object = NULL, *commit = NULL;
	int code;

	if (strcmp(revision, "HEAD") == 0)
		return head_commit(repo, ret_id, err);
	code = git_revparse_single(&object, repo->git, revision);
	if (code == 0)
		code = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC)
		return explain_missing(repo, revision, err);
	if (code == GIT_EAMBIGUOUS || code == GIT_EPEEL)
		return error_set(err, ERR_INPUT, "'%s' is not a commit: %s", revision,
				 repo_reason());
	if (code < 0)
		return error_set(err, ERR_IO, "cannot read '%s' of the git repository '%s': %s",
				 revision, git_repository_path(repo->git), repo_reason());
	format_id(git_object_id(commit), ret_id);
	return 0;
}

int
repo_identity(struct repo *repo, char **ret_identity, struct error *err)
{
	AUTO(repo_signature_freep) git_signature *signature = NULL;
	int code = git_signature_default(&signature, repo->git);

	if (code < 0 && code != GIT_ENOTFOUND)
		return error_set(err, ERR_IO, "cannot read user.name and user.email of git: %s",
				 repo_reason());
	*ret_identity = code == 0 ? xasprintf("%s <%s>", signature->name, signature->email) : NULL;
	return 0;
}

int
repo_tag_find(struct repo *repo, const char *name, git_oid *ret_oid, struct error *err)
{
	AUTO(repo_reference_freep) git_reference *reference = NULL;
	auto_free char *full = xasprintf("refs/tags/%s", name);
	int found = repo_reference_find(repo->git, full, &reference, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_NOT_FOUND, "tag '%s' not found", name);
	if (git_reference_type(reference) != GIT_REFERENCE_DIRECT)
		return error_set(err, ERR_VERIFY, "tag '%s' is a symbolic reference", name);
	git_oid_cpy(ret_oid, git_reference_target(reference));
	return 0;
}

int
repo_tag_read(struct repo *repo, const char *name, char **ret_text, size_t *ret_length,
	      char ret_id[REPO_ID_SIZE], struct error *err)
{
	AUTO(repo_odb_freep) git_odb *odb = NULL;
	AUTO(odb_object_freep) git_odb_object *object = NULL;
	AUTO(strbuf_clear) struct strbuf copy = STRBUF_INIT;
	git_oid oid;

	if (repo_tag_find(repo, name, &oid, err) < 0)
		return -1;
	if (git_repository_odb(&odb, repo->git) < 0 || git_odb_read(&object, odb, &oid) < 0)
		return error_set(err, ERR_IO, "cannot read tag '%s': %s", name, repo_reason());
	if (git_odb_object_type(object) != GIT_OBJECT_TAG)
		return error_set(
			err, ERR_VERIFY,
			"'%s' is a lightweight tag, which cannot be signed; if the remote has the "
			"signed one, run: git fetch --force origin refs/tags/%s:refs/tags/%s",
			name, name, name);
	if (git_odb_object_size(object) > MAX_TAG)
		return error_set(err, ERR_INPUT, "tag '%s' is too large", name);
	/* All of it, whatever bytes it has: the length is that of what is returned. */
	strbuf_add(&copy, git_odb_object_data(object), git_odb_object_size(object));
	*ret_length = copy.length;
	*ret_text = strbuf_take(&copy);
	format_id(&oid, ret_id);
	return 0;
}

/* 1 if the name is free, 0 if it holds this object. */
static int
compare_existing(struct repo *repo, const char *name, const git_oid *wanted, struct error *err)
{
	char have[REPO_ID_SIZE], want[REPO_ID_SIZE];
	git_oid existing;

	if (repo_tag_find(repo, name, &existing, err) < 0)
		return err->code == ERR_NOT_FOUND ? 1 : -1;
	if (git_oid_equal(&existing, wanted))
		return 0;
	format_id(&existing, have);
	format_id(wanted, want);
	return error_set(err, ERR_BUSY, "tag '%s' exists as %s, expected %s", name, have, want);
}

int
repo_tag_write(struct repo *repo, const char *name, const char *text, bool dry_run,
	       char ret_id[REPO_ID_SIZE], struct error *err)
{
	size_t length = strlen(text);
	git_oid wanted, made;
	int valid = 0, state;

	if (git_tag_name_is_valid(&valid, name) < 0 || valid != 1)
		return error_set(err, ERR_INPUT, "git does not allow the tag name '%s'", name);
	if (git_odb_hash(&wanted, text, length, GIT_OBJECT_TAG) < 0)
		return error_set(err, ERR_IO, "cannot hash tag '%s': %s", name, repo_reason());
	state = compare_existing(repo, name, &wanted, err);
	if (state > 0 && !dry_run) {
		auto_free char *full = xasprintf("refs/tags/%s", name);

		if (git_lock_wait(repo->git, full, repo->own, err) < 0)
			return -1;
		if (git_tag_create_from_buffer(&made, repo->git, text, 0) < 0)
			return error_set(err, ERR_IO, "cannot create tag '%s': %s", name,
					 repo_reason());
		assert(git_oid_equal(&made, &wanted));
	}
	if (state >= 0)
		format_id(&wanted, ret_id);
	return state;
}
