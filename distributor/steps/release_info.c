/* SPDX-License-Identifier: MIT */
#include "distributor/steps/release_info.h"

#include "base/alloc.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "distributor/verify/verify.h"
#include "distributor/workspace/version.h"
#include "images/layout.h"
#include "images/referrers.h"
#include "publish/git/git_tag.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_INPUT = 16 << 20 };

void
release_info_clear(struct release_info *info)
{
	asset_list_clear(&info->assets);
	repo_free(info->repo);
	for (size_t i = 0; i < info->image_count; i++)
		free(info->images[i].tag);
	free(info->images);
	free(info->tag);
	free(info->repository);
	free(info->commit);
	free(info->lock_path);
	free(info->matrix_inside);
	free(info->lock_inside);
	free(info->builder);
	free(info->invocation);
	*info = (struct release_info)RELEASE_INFO_INIT;
}

/* Who builds, where GitHub Actions does: the workflow and the run. */
static void
load_builder(struct release_info *info)
{
	const char *server = environment_get("GITHUB_SERVER_URL");
	const char *workflow = environment_get("GITHUB_WORKFLOW_REF");
	const char *repository = environment_get("GITHUB_REPOSITORY");
	const char *run = environment_get("GITHUB_RUN_ID"),
		   *attempt = environment_get("GITHUB_RUN_ATTEMPT");

	if (server == NULL || workflow == NULL || repository == NULL || run == NULL)
		return;
	info->builder = xasprintf("%s/%s", server, workflow);
	info->invocation = xasprintf("%s/%s/actions/runs/%s/attempts/%s", server, repository, run,
				     attempt != NULL ? attempt : "1");
}

int
release_info_load_repo(struct release_info *info, const char *repo_path, struct error *err)
{
	char commit[REPO_ID_SIZE];

	if (repo_open(repo_path, &info->repo, err) < 0 ||
	    repo_commit(info->repo, "HEAD", commit, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	info->commit = xstrdup(commit);
	info->release.commit = info->commit;
	return 1;
}

static int
load_repo_or_tell(struct release_info *info, const char *repo_path, struct error *err)
{
	int found = release_info_load_repo(info, repo_path, err);

	if (found == 0)
		log_info("%s: no commit is recorded in the release", err->message);
	return found;
}

int
repository_path(const char *path, char **ret_inside, struct error *err)
{
	auto_free char *inside = NULL;

	if (path[0] != '/' && strstr(path, "..") == NULL)
		inside = xstrdup(text_starts_with(path, "./") ? path + 2 : path);
	else if (path_inside(".", path, &inside, err) < 0)
		return -1;
	*ret_inside = inside != NULL ? TAKE(inside) : xstrdup(path_base(path));
	return 0;
}

static void
fill(struct release_info *info)
{
	struct release *release = &info->release;

	info->tag = xasprintf("v%s", info->matrix->version);
	info->repository = matrix_repository_url(info->matrix);
	load_builder(info);
	*release = (struct release){.name = info->matrix->name,
				    .version = info->matrix->version,
				    .tag = info->tag,
				    .repository = info->repository,
				    .tool = version_tool(),
				    .source_date_epoch = info->lock->source_date_epoch,
				    .serial = info->lock->serial,
				    .lock_sha256 = info->lock->digest,
				    .packages = &info->lock->packages,
				    .builder = info->builder,
				    .invocation = info->invocation,
				    .started_sec = time(NULL)};
}

/*
 * A file has one path in the tree, from wherever it is named: where it lies in the working
 * directory, else where HEAD has its contents.
 */
static int
find_inside(const struct release_info *info, const char *path, const char *text, size_t length,
	    char **ret_inside, struct error *err)
{
	auto_free char *named = NULL, *inside = NULL;

	if (repository_path(path, &named, err) < 0 ||
	    (info->repo != NULL && repo_work_path(info->repo, path, &inside, err) < 0))
		return -1;
	if (inside == NULL && info->commit != NULL &&
	    repo_find_contents(info->repo, info->commit, named, text, length, &inside, err) < 0)
		return -1;
	*ret_inside = inside != NULL ? TAKE(inside) : TAKE(named);
	return 0;
}

static int
name_inputs(const struct workspace *work, struct release_info *info, struct error *err)
{
	if (find_inside(info, work->matrix_path, work->matrix->doc.text, work->matrix->doc.length,
			&info->matrix_inside, err) < 0 ||
	    find_inside(info, info->lock_path, work->lock_text, work->lock_length,
			&info->lock_inside, err) < 0)
		return -1;
	info->release.matrix_file = info->matrix_inside;
	info->release.lock_file = info->lock_inside;
	return 0;
}

int
release_info_load(const struct workspace *work, const char *repo_path,
		  struct release_info *ret_info, struct error *err)
{
	struct release_info *info = ret_info;

	info->lock_path = workspace_lock_path(work);
	info->matrix = work->matrix;
	info->lock = work->lock;
	info->image_repositories =
		(struct text_list){info->matrix->images.items, info->matrix->images.count};
	fill(info);
	if ((repo_path != NULL && load_repo_or_tell(info, repo_path, err) < 0) ||
	    name_inputs(work, info, err) < 0)
		return -1;
	digest_of(work->matrix->doc.text, work->matrix->doc.length, &info->release.matrix_sha256);
	return 0;
}

enum committed { COMMITTED, COMMITTED_OTHER, NOT_COMMITTED };

static int
compare_file(const struct release_info *info, const char *revision, const char *inside,
	     const struct digest *here, enum committed *ret_state, struct error *err)
{
	auto_free char *text = NULL;
	struct digest there;
	size_t length;
	int result = repo_tree_file(info->repo, revision, inside, MAX_INPUT, &text, &length, err);

	if (result < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	*ret_state = NOT_COMMITTED;
	if (result == 0) {
		digest_of(text, length, &there);
		*ret_state = digest_equal(&there, here) ? COMMITTED : COMMITTED_OTHER;
	}
	return 0;
}

/* Stores the file that is not what the revision has, NULL for none. */
static int
compare_inputs(const struct release_info *info, const struct workspace *work, const char *revision,
	       const char **ret_path, enum committed *ret_state, struct error *err)
{
	char id[REPO_ID_SIZE];

	*ret_path = work->matrix_path;
	if (repo_commit(info->repo, revision, id, err) < 0 ||
	    compare_file(info, id, info->matrix_inside, &info->release.matrix_sha256, ret_state,
			 err) < 0)
		return -1;
	if (*ret_state != COMMITTED)
		return 0;
	*ret_path = info->lock_path;
	if (compare_file(info, id, info->lock_inside, &info->lock->digest, ret_state, err) < 0)
		return -1;
	if (*ret_state == COMMITTED)
		*ret_path = NULL;
	return 0;
}

int
release_info_check_revision(const struct release_info *info, const struct workspace *work,
			    const char *revision, struct error *err)
{
	enum committed state;
	const char *path;

	if (info->repo == NULL)
		return error_set(err, ERR_NOT_FOUND, "no git repository with a commit");
	if (compare_inputs(info, work, revision, &path, &state, err) < 0)
		return -1;
	if (path == NULL)
		return 0;
	return error_set(
		err, ERR_INPUT,
		"'%s' %s; commit it first, so that the tag contains the inputs of the release",
		path,
		state == NOT_COMMITTED ? "is not committed" : "differs from the committed version");
}

int
release_info_check_committed(const struct release_info *info, const struct workspace *work,
			     struct error *err)
{
	return release_info_check_revision(info, work, "HEAD", err);
}

int
release_info_check_tagged(const struct release_info *info, const struct workspace *work,
			  const char *root, char **ret_signer, struct error *err)
{
	auto_free char *signer = NULL;
	enum committed state;
	const char *path;

	if (release_info_check_tag(info, info->tag, work->keys, root, &signer, err) < 0 ||
	    compare_inputs(info, work, info->commit, &path, &state, err) < 0)
		return -1;
	if (path == NULL) {
		*ret_signer = TAKE(signer);
		return 0;
	}
	return error_set(err, ERR_VERIFY, "'%s' does not match tag '%s'", path, info->tag);
}

static int
copy_tags(const char *path, const struct layout *layout, struct release_info *info,
	  struct error *err)
{
	const struct layout_tags *tags = layout_tags(layout);

	if (layout_part(layout) != NULL)
		return error_set(err, ERR_INPUT,
				 "'%s' contains only the images of %s; join the parts first "
				 "('distributor assemble')",
				 path, layout_part(layout));
	if (layout_tags_find(tags, info->matrix->version) == NULL)
		return error_set(err, ERR_INPUT,
				 "'%s' does not contain the images of version %s; build them again "
				 "or remove it",
				 path, info->matrix->version);
	for (size_t i = 0; i < tags->count; i++) {
		/* Signatures lie beside the images; they come after this. */
		if (referrers_tag_is_any(tags->items[i].name))
			continue;
		info->images = xgrow(info->images, info->image_count, sizeof(*info->images));
		info->images[info->image_count++] = (struct release_image){
			xstrdup(tags->items[i].name), tags->items[i].descriptor.digest};
	}
	return 0;
}

static int
load_images(const struct workspace *work, struct release_info *info, struct error *err)
{
	auto_free char *path = path_join(work->out, "images");
	auto_free char *index = path_join(path, "index.json");
	auto_free char *command =
		workspace_command(work, "images", SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	AUTO(layout_freep) struct layout *layout = NULL;
	bool there;

	if (path_exists(index, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	if (layout_open(path, command, &layout, err) < 0 || copy_tags(path, layout, info, err) < 0)
		return -1;
	info->release.images = info->images;
	info->release.image_count = info->image_count;
	info->release.repositories = info->image_repositories.items;
	info->release.repository_count = info->image_repositories.count;
	return 0;
}

int
release_info_load_assets(const struct workspace *work, struct release_info *info, struct error *err)
{
	auto_free char *path = path_join(work->out, ASSETS_NAME);
	auto_free char *command =
		workspace_command(work, "tarballs", SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);

	if (info->assets.name == NULL && asset_list_load(path, &info->assets, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			return error_set(err, ERR_NOT_FOUND,
					 "'%s' does not exist; build the tarballs first: %s", path,
					 command);
		return -1;
	}
	if (!digest_equal(&info->assets.lock_sha256, &info->lock->digest))
		return error_set(
			err, ERR_INPUT,
			"'%s' was built from a different lock than '%s'; build the tarballs again",
			path, info->lock_path);
	if (info->assets.count == 0)
		return error_set(err, ERR_INPUT, "'%s' does not list any assets", path);
	info->release.assets = &info->assets;
	info->release.source_date_epoch = info->assets.source_date_epoch;
	return load_images(work, info, err);
}

int
release_info_check_tag(const struct release_info *info, const char *name, const char *keys,
		       const char *root, char **ret_signer, struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	auto_free char *text = NULL;
	char id[REPO_ID_SIZE];
	struct digest sums;
	size_t length;

	if (strcmp(name, info->tag) != 0)
		return error_set(err, ERR_VERIFY, "the tag is '%s', but the matrix has version %s",
				 name, info->matrix->version);
	if (info->repo == NULL || info->commit == NULL)
		return error_set(err, ERR_NOT_FOUND,
				 "no git repository with a commit to find tag '%s' in", name);
	if (keyring_load(keys, root, &keyring, err) < 0 ||
	    repo_tag_read(info->repo, name, &text, &length, id, err) < 0)
		return -1;
	verify_tag(name, text, length, &keyring, info->commit, &report, &sums);
	if (verify_report_conclude(&report, err) < 0)
		return -1;
	*ret_signer = TAKE(report.rows[0].signer);
	return 0;
}

int
release_info_check_trigger(const struct release_info *info, const char *keys, struct error *err)
{
	const char *type = environment_get("GITHUB_REF_TYPE"),
		   *name = environment_get("GITHUB_REF_NAME");
	auto_free char *signer = NULL;

	if (type == NULL || strcmp(type, "tag") != 0)
		return 0;
	if (release_info_check_tag(info, name != NULL ? name : "", keys, NULL, &signer, err) < 0)
		return error_prefix(err, "refusing the tag that started this run");
	return 0;
}
