/* SPDX-License-Identifier: MIT */
#include "publish/git/git_internal.h"
#include "publish/git/git_tag.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "model/release_version.h"

#include <git2.h>
#include <string.h>

/* 1 or 0. A tag that is there and cannot be read is an error. */
static int
is_annotated(struct repo *repo, git_odb *odb, const char *name, struct error *err)
{
	git_oid oid;
	size_t size;
	git_object_t type;

	if (repo_tag_find(repo, name, &oid, err) < 0)
		return err->code == ERR_VERIFY ? 0 : -1;
	if (git_odb_read_header(&size, &type, odb, &oid) < 0)
		return error_set(err, ERR_IO, "cannot read tag '%s': %s", name, repo_reason());
	return type == GIT_OBJECT_TAG;
}

bool
repo_is_before(const char *other, const char *name)
{
	return release_tag_is_version(other) && release_tag_compare(other, name) < 0;
}

/* Looks at one more name. */
static int
take_if_better(struct repo *repo, git_odb *odb, const char *other, const char *name, char **best,
	       struct error *err)
{
	int annotated;

	if (!repo_is_before(other, name) || text_ends_with(other, ".lock") ||
	    (*best != NULL && release_tag_compare(other, *best) <= 0))
		return 0;
	annotated = is_annotated(repo, odb, other, err);
	if (annotated < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (annotated > 0) {
		free(*best);
		*best = xstrdup(other);
	}
	return 0;
}

/* libgit2 leaves out of its list what it cannot read: the names of the files come as well. */
static int
take_files(struct repo *repo, git_odb *odb, const char *name, char **best, struct error *err)
{
	auto_free char *path = path_join(git_repository_commondir(repo->git), "refs/tags");
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (repo_check_absent(repo->git, "refs/tags", err) < 0)
		return -1;
	if (directory_names(path, &names, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	for (size_t i = 0; i < names.count; i++)
		if (take_if_better(repo, odb, names.items[i], name, best, err) < 0)
			return -1;
	return 0;
}

static int
find_previous(struct repo *repo, const git_strarray *names, const char *name, char **best,
	      struct error *err)
{
	AUTO(repo_odb_freep) git_odb *odb = NULL;

	if (git_repository_odb(&odb, repo->git) < 0)
		return error_set(err, ERR_IO, "cannot read the objects of git: %s", repo_reason());
	for (size_t i = 0; i < names->count; i++)
		if (take_if_better(repo, odb, names->strings[i], name, best, err) < 0)
			return -1;
	return take_files(repo, odb, name, best, err);
}

int
repo_previous_tag(struct repo *repo, const char *name, char **ret_tag, struct error *err)
{
	git_strarray names = {NULL, 0};
	auto_free char *best = NULL;
	int result;

	if (git_tag_list(&names, repo->git) < 0)
		return error_set(err, ERR_IO, "cannot list the tags of git: %s", repo_reason());
	result = find_previous(repo, &names, name, &best, err);
	git_strarray_dispose(&names);
	if (result == 0)
		*ret_tag = TAKE(best);
	return result;
}

bool
repo_knows_all_tags(struct repo *repo)
{
	git_strarray remotes = {NULL, 0};
	bool alone = git_remote_list(&remotes, repo->git) == 0 && remotes.count == 0;

	git_strarray_dispose(&remotes);
	return alone && git_repository_is_shallow(repo->git) == 0;
}

bool
repo_is_shallow(struct repo *repo)
{
	return git_repository_is_shallow(repo->git) != 0;
}

static void
visit_promisor(const char *name, const char *value, void *to)
{
	(void)value;
	if (text_starts_with(name, "remote.") && text_ends_with(name, ".promisor"))
		*(bool *)to = true;
}

bool
repo_is_partial(struct repo *repo)
{
	AUTO(repo_config_freep) git_config *config = NULL;
	struct error ignored = ERROR_INIT;
	bool partial = false;

	return repo_config(repo->git, &config, &ignored) == 0 &&
	       repo_config_each(config, visit_promisor, &partial, &ignored) == 0 && partial;
}

/* An object that something points at and that is not there, or cannot be read. */
static int
lacks_object(struct repo *repo, const char *revision, const char *inside, struct error *err)
{
	auto_free char *reason = xstrdup(repo_reason());
	bool partial = repo_is_partial(repo);

	return error_set(
		err, ERR_IO, "cannot read '%s' of '%s' in the git repository '%s': %s%s%s%s%s",
		inside, revision, git_repository_path(repo->git), reason,
		partial ? "; this is a partial clone, which gets it with: git cat-file -e " : "",
		partial ? revision : "", partial ? ":" : "", partial ? inside : "");
}

/*
 * The blob of a path, one folder after the other, so that a folder that cannot be read is not taken
 * for one that lacks the file. 1 found, 0 the tree does not have it, -1.
 */
static int
find_blob(git_repository *git, const git_oid *tree_id, const char *inside, git_object **ret_blob)
{
	AUTO(repo_tree_freep) git_tree *tree = NULL;
	size_t length = strcspn(inside, "/");
	auto_free char *name = xstrndup(inside, length);
	const git_tree_entry *entry;

	if (git_tree_lookup(&tree, git, tree_id) < 0)
		return -1;
	entry = git_tree_entry_byname(tree, name);
	if (entry == NULL)
		return 0;
	if (inside[length] == '/')
		return git_tree_entry_type(entry) != GIT_OBJECT_TREE
			       ? 0
			       : find_blob(git, git_tree_entry_id(entry), inside + length + 1,
					   ret_blob);
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		return 0;
	return git_object_lookup(ret_blob, git, git_tree_entry_id(entry), GIT_OBJECT_BLOB) < 0 ? -1
											       : 1;
}

static bool
is_id(const char *revision)
{
	return strlen(revision) == GIT_OID_HEXSZ &&
	       strspn(revision, "0123456789abcdef") == GIT_OID_HEXSZ;
}

int
repo_tree_file(struct repo *repo, const char *revision, const char *inside, size_t max_bytes,
	       char **ret_text, size_t *ret_length, struct error *err)
{
	AUTO(repo_object_freep) git_object *object = NULL;
	AUTO(repo_commit_freep) git_commit *commit = NULL;
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	char id[REPO_ID_SIZE];
	const git_blob *blob;
	git_oid oid;
	int found;
	uint64_t size;

	if (repo_commit(repo, revision, id, err) < 0) {
		/* An id is not guessed: what it stands for was there, or is said to be. */
		if (err->code == ERR_NOT_FOUND && is_id(revision))
			err->code = ERR_IO;
		return -1;
	}
	if (git_oid_fromstr(&oid, id) < 0 || git_commit_lookup(&commit, repo->git, &oid) < 0)
		return lacks_object(repo, revision, inside, err);
	found = find_blob(repo->git, git_commit_tree_id(commit), inside, &object);
	if (found < 0)
		return lacks_object(repo, revision, inside, err);
	if (found == 0)
		return error_set(err, ERR_NOT_FOUND, "file '%s' not found in '%s'", inside,
				 revision);
	blob = (const git_blob *)object;
	size = (uint64_t)git_blob_rawsize(blob);
	if (size > max_bytes)
		return error_set(err, ERR_INPUT, "'%s' in '%s' is larger than %zu bytes", inside,
				 revision, max_bytes);
	strbuf_add(&text, git_blob_rawcontent(blob), (size_t)size);
	*ret_text = strbuf_take(&text);
	*ret_length = (size_t)size;
	return 0;
}

int
repo_work_path(struct repo *repo, const char *path, char **ret_inside, struct error *err)
{
	const char *root = git_repository_workdir(repo->git);

	if (root != NULL)
		return path_inside(root, path, ret_inside, err);
	*ret_inside = NULL;
	return 0;
}

/* The path that is asked for, before one that ends as it does, before any other. */
enum likeness { UNLIKE, LIKE_CONTENTS, LIKE_NAME, LIKE_PATH };

struct blob_search {
	git_oid id;
	const char *path;
	enum likeness best;
	char *found;
};

static int
visit_entry(const char *folder, const git_tree_entry *entry, void *to)
{
	struct blob_search *search = to;
	auto_free char *path = xasprintf("%s%s", folder, git_tree_entry_name(entry));
	enum likeness likeness = LIKE_CONTENTS;

	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
	    git_oid_equal(git_tree_entry_id(entry), &search->id) != 1)
		return 0;
	if (strcmp(path, search->path) == 0)
		likeness = LIKE_PATH;
	else if (strcmp(path_base(path), path_base(search->path)) == 0)
		likeness = LIKE_NAME;
	if (likeness > search->best) {
		free(search->found);
		search->found = TAKE(path);
		search->best = likeness;
	}
	return 0;
}

int
repo_find_contents(struct repo *repo, const char *revision, const char *path, const char *text,
		   size_t length, char **ret_inside, struct error *err)
{
	AUTO(repo_commit_freep) git_commit *commit = NULL;
	AUTO(repo_tree_freep) git_tree *tree = NULL;
	struct blob_search search = {.path = path};
	char id[REPO_ID_SIZE];
	git_oid oid;

	if (repo_commit(repo, revision, id, err) < 0)
		return -1;
	if (git_odb_hash(&search.id, text, length, GIT_OBJECT_BLOB) < 0 ||
	    git_oid_fromstr(&oid, id) < 0 || git_commit_lookup(&commit, repo->git, &oid) < 0 ||
	    git_commit_tree(&tree, commit) < 0 ||
	    git_tree_walk(tree, GIT_TREEWALK_PRE, visit_entry, &search) < 0) {
		free(search.found);
		return error_set(err, ERR_IO, "cannot list the files in '%s': %s", revision,
				 repo_reason());
	}
	*ret_inside = search.found;
	return 0;
}
