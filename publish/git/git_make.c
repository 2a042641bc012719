/* SPDX-License-Identifier: MIT */
#include "publish/git/git_make.h"

#include "base/alloc.h"
#include "base/file.h"
#include "publish/git/git_internal.h"
#include "publish/git/git_lock.h"
#include "publish/git/git_tag.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>

static void
index_freep(git_index **index)
{
	git_index_free(*index);
}

static int
git_failed(const char *what, const char *path, struct error *err)
{
	return error_set(err, ERR_IO, "cannot %s '%s': %s", what, path, repo_reason());
}

static int
add_file(git_repository *git, git_index *index, const struct repo_file *file, struct error *err)
{
	git_index_entry entry = {.mode = GIT_FILEMODE_BLOB, .path = file->path};

	if (git_blob_create_from_buffer(&entry.id, git, file->text, file->length) < 0)
		return git_failed("store", file->path, err);
	if (git_index_add(index, &entry) < 0) {
		(void)git_failed("store", file->path, err);
		err->code = ERR_INPUT;
		return -1;
	}
	return 0;
}

static int
write_tree(git_repository *git, const struct repo_content *content, git_oid *ret_id,
	   struct error *err)
{
	AUTO(index_freep) git_index *index = NULL;

	if (git_index_new(&index) < 0)
		return git_failed("make", "an index", err);
	for (size_t i = 0; i < content->count; i++)
		if (add_file(git, index, &content->files[i], err) < 0)
			return -1;
	if (git_index_write_tree_to(ret_id, index, git) < 0)
		return git_failed("write", "the tree", err);
	return 0;
}

/* 1 if the commit of the tag has this tree, and HEAD's branch is at it now; 0 if not. */
static int
go_to_tag(git_repository *git, const char *name, const git_oid *tree, struct error *err)
{
	AUTO(repo_object_freep) git_object *commit = NULL;
	AUTO(repo_reference_freep) git_reference *tag = NULL, *head = NULL, *moved = NULL;
	auto_free char *full = xasprintf("refs/tags/%s", name);
	int found = repo_reference_find(git, full, &tag, err);

	if (found <= 0)
		return found;
	if (git_reference_peel(&commit, tag, GIT_OBJECT_COMMIT) < 0)
		return git_failed("read", full, err);
	if (git_oid_equal(git_commit_tree_id((const git_commit *)commit), tree) != 1)
		return 0;
	if (git_repository_head(&head, git) < 0)
		return git_failed("read", "HEAD", err);
	if (git_oid_equal(git_reference_target(head), git_object_id(commit)) != 1 &&
	    git_reference_set_target(&moved, head, git_object_id(commit), NULL) < 0)
		return git_failed("move HEAD to a tag in", git_repository_path(git), err);
	return 1;
}

/* Adds a commit to HEAD's branch unless that of the tag, or its last one, has this tree. */
static int
add_commit(git_repository *git, const struct repo_content *content, struct error *err)
{
	AUTO(repo_tree_freep) git_tree *tree = NULL;
	AUTO(repo_commit_freep) git_commit *parent = NULL;
	AUTO(repo_signature_freep) git_signature *author = NULL;
	git_oid tree_id, id;
	const git_commit *parents[1];
	int state = 0;

	if (git_lock_wait(git, "HEAD", true, err) < 0 ||
	    write_tree(git, content, &tree_id, err) < 0 || repo_head_find(git, &parent, err) < 0)
		return -1;
	if (parent != NULL && content->tag != NULL)
		state = go_to_tag(git, content->tag, &tree_id, err);
	if (state != 0)
		return state < 0 ? -1 : 0;
	if (parent != NULL && git_oid_equal(git_commit_tree_id(parent), &tree_id) == 1)
		return 0;
	parents[0] = parent;
	if (git_tree_lookup(&tree, git, &tree_id) < 0 ||
	    git_signature_new(&author, content->name, content->email, (git_time_t)content->time_sec,
			      0) < 0 ||
	    git_commit_create(&id, git, "HEAD", author, author, NULL, content->message, tree,
			      parent != NULL ? 1 : 0, parents) < 0)
		return git_failed("commit to", git_repository_path(git), err);
	return 1;
}

/* In a directory beside it, which is then renamed. */
static int
make_new(const char *path, const struct repo_content *content, struct error *err)
{
	git_repository_init_options options = {
		.version = GIT_REPOSITORY_INIT_OPTIONS_VERSION,
		.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH,
		.initial_head = "main",
	};
	auto_free char *directory = path_directory(path);
	auto_free char *temporary = xasprintf("%s/.%s.new", directory, path_base(path));
	struct repo repo = {.git = NULL};
	int made;

	if (git_repository_init_ext(&repo.git, temporary, &options) < 0)
		return git_failed("create the repository", path, err);
	made = add_commit(repo.git, content, err);
	git_repository_free(repo.git);
	if (made < 0)
		return -1;
	if (rename(temporary, path) < 0)
		return error_set_errno(err, ERR_IO, "cannot create '%s'", path);
	return 1;
}

int
repo_make(const char *path, const struct repo_content *content, struct error *err)
{
	AUTO(repo_freep) struct repo *repo = NULL;
	bool there;
	int result;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (there) {
		if (repo_open(path, &repo, err) < 0)
			return -1;
		return add_commit(repo->git, content, err);
	}
	if (repo_library_start(err) < 0)
		return -1;
	result = make_new(path, content, err);
	(void)git_libgit2_shutdown();
	return result;
}
