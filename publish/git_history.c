#include "publish/git_internal.h"
#include "publish/git_tag.h"

#include "base/alloc.h"
#include "base/file.h"

#include <git2.h>
#include <string.h>

static bool
is_version_tag(const char *name)
{
	return name[0] == 'v' && name[1] >= '0' && name[1] <= '9';
}

static bool
is_annotated(git_repository *git, const char *name)
{
	AUTO(repo_object_freep) git_object *object = NULL;
	auto_free char *reference = xasprintf("refs/tags/%s", name);

	return git_revparse_single(&object, git, reference) == 0 &&
	       git_object_type(object) == GIT_OBJECT_TAG;
}

char *
repo_previous_tag(struct repo *repo, const char *name)
{
	git_strarray names = {NULL, 0};
	const char *best = NULL;
	char *copy;

	if (git_tag_list(&names, repo->git) < 0)
		return NULL;
	for (size_t i = 0; i < names.count; i++) {
		const char *other = names.strings[i];

		if (is_version_tag(other) && strverscmp(other, name) < 0 &&
		    (best == NULL || strverscmp(other, best) > 0) && is_annotated(repo->git, other))
			best = other;
	}
	copy = best != NULL ? xstrdup(best) : NULL;
	git_strarray_dispose(&names);
	return copy;
}

char *
repo_path_inside(const char *root, const char *path)
{
	auto_free char *directory = path_directory(path);
	auto_free char *real = realpath(directory, NULL);
	auto_free char *real_root = realpath(root, NULL);
	size_t length;

	if (real == NULL || real_root == NULL)
		return NULL;
	if (strcmp(real, real_root) == 0)
		return xstrdup(path_base(path));
	/* Of all directories only "/" ends in a slash. */
	length = strcmp(real_root, "/") == 0 ? 0 : strlen(real_root);
	if (strncmp(real, real_root, length) != 0 || real[length] != '/')
		return NULL;
	return path_join(real + length + 1, path_base(path));
}

int
repo_tree_file(struct repo *repo, const char *revision, const char *inside, size_t max_bytes,
	       char **ret_text, size_t *ret_length, struct error *err)
{
	AUTO(repo_object_freep) git_object *object = NULL;
	auto_free char *spec = xasprintf("%s:%s", revision, inside);
	const git_blob *blob;
	uint64_t size;

	if (git_revparse_single(&object, repo->git, spec) < 0 ||
	    git_object_type(object) != GIT_OBJECT_BLOB)
		return error_set(err, ERR_NOT_FOUND, "there is no file '%s' in '%s'", inside,
				 revision);
	blob = (const git_blob *)object;
	size = (uint64_t)git_blob_rawsize(blob);
	if (size > max_bytes)
		return error_set(err, ERR_INPUT, "'%s' of '%s' is larger than %zu bytes", inside,
				 revision, max_bytes);
	*ret_text = xstrndup(git_blob_rawcontent(blob), (size_t)size);
	*ret_length = strlen(*ret_text);
	return 0;
}

int
repo_file_at(struct repo *repo, const char *revision, const char *path, size_t max_bytes,
	     char **ret_text, size_t *ret_length, struct error *err)
{
	const char *root = git_repository_workdir(repo->git);
	auto_free char *inside = root != NULL ? repo_path_inside(root, path) : NULL;

	if (inside == NULL)
		return error_set(err, ERR_INPUT, "'%s' is not in the repository", path);
	return repo_tree_file(repo, revision, inside, max_bytes, ret_text, ret_length, err);
}
