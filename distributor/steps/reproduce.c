/* SPDX-License-Identifier: MIT */
#include "distributor/steps/reproduce.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "distributor/steps/fetch.h"
#include "distributor/steps/images.h"
#include "distributor/steps/publish.h"
#include "distributor/steps/release_info.h"
#include "distributor/steps/reproduce_internal.h"
#include "distributor/steps/sign.h"
#include "distributor/steps/tarballs.h"
#include "distributor/verify/remote.h"
#include "distributor/workspace/version.h"
#include "publish/git/git_tag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT = 16 << 20 };

void
step_reproduce_clear(struct step_reproduce *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->rows[i].name);
		free(r->rows[i].detail);
	}
	free(r->rows);
	free(r->tag);
	free(r->commit);
	free(r->program);
	free(r->made_in);
	*r = (struct step_reproduce)STEP_REPRODUCE_INIT;
}

void
step_reproduce_add(struct step_reproduce *r, char *name, enum reproduced state, char *detail)
{
	r->rows = xgrow(r->rows, r->count, sizeof(*r->rows));
	r->rows[r->count++] = (struct reproduced_row){name, state, detail};
	r->different += state != REPRODUCED_SAME && state != REPRODUCED_OWN;
}

static int
open_repo(const struct reproduction *p, struct repo **ret_repo, struct error *err)
{
	return repo_open(p->options->repo_path != NULL ? p->options->repo_path : ".", ret_repo,
			 err);
}

/* What was named is no directory and no URL, and `err` says why it is no tag either. */
static int
no_such_release(const struct reproduction *p, struct error *err)
{
	if (strchr(p->options->what, '/') != NULL)
		return error_set(err, ERR_INPUT, "directory '%s' does not exist", p->options->what);
	return error_prefix(err, "'%s' is neither a directory nor a known tag", p->options->what);
}

/* The release page's files of a tag, to be freed by the caller: the matrix of then says where. */
static int
page_of_tag(const struct reproduction *p, char **ret_url, struct error *err)
{
	AUTO(repo_freep) struct repo *repo = NULL;
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	auto_free char *text = NULL, *inside = NULL;
	char commit[REPO_ID_SIZE];
	size_t length;

	if (open_repo(p, &repo, err) < 0)
		return no_such_release(p, err);
	if (repo_commit(repo, p->options->what, commit, err) < 0)
		return err->code == ERR_NOT_FOUND ? no_such_release(p, err) : -1;
	if (repo_work_path(repo, p->work->matrix_path, &inside, err) < 0 ||
	    (inside == NULL && repository_path(p->work->matrix_path, &inside, err) < 0))
		return -1;
	if (repo_tree_file(repo, p->options->what, inside, MAX_INPUT, &text, &length, err) < 0)
		return err->code != ERR_NOT_FOUND
			       ? -1
			       : error_set(err, ERR_NOT_FOUND,
					   "'%s' does not exist in '%s'; name the matrix of that "
					   "release with --matrix, or its files with --against",
					   inside, p->options->what);
	if (matrix_parse(p->work->matrix_path, text, length, &matrix, err) < 0)
		return -1;
	if (matrix.github == NULL)
		return error_set(err, ERR_INPUT,
				 "the matrix of '%s' does not name a GitHub repository; give the "
				 "files with --against DIR or URL",
				 p->options->what);
	*ret_url = xasprintf("%s/%s/releases/download/%s", step_publish_server(&matrix),
			     matrix.github, p->options->what);
	return 0;
}

/* An OUT directory stands for its assets, and has images as well. */
static int
open_directory(struct reproduction *p, const char *what, struct error *err)
{
	auto_free char *assets = path_join(what, "assets"), *images = path_join(what, "images");
	bool directory, has_assets, has_images;

	if (path_is_directory(what, &directory, err) < 0 ||
	    path_is_directory(assets, &has_assets, err) < 0 ||
	    path_is_directory(images, &has_images, err) < 0)
		return -1;
	if (!directory)
		return error_set(err, ERR_NOT_FOUND, "'%s' is not a directory", what);
	p->directory = xstrdup(has_assets ? assets : what);
	p->files = verify_directory(p->directory);
	return has_images ? layout_open(images, "distributor images", &p->published_images, err)
			  : 0;
}

/* Where the published files are. */
static int
open_files(struct reproduction *p, struct error *err)
{
	const char *what = p->options->what;
	auto_free char *page = NULL;
	bool directory = true;

	if (strstr(what, "://") == NULL && path_is_directory(what, &directory, err) < 0)
		return -1;
	if (!directory) {
		p->tag = what;
		what = p->options->against;
		if (what == NULL && page_of_tag(p, &page, err) < 0)
			return -1;
		what = page != NULL ? page : what;
	}
	assert(what != NULL);
	if (strstr(what, "://") != NULL) {
		if (remote_release_open(what, p->work->offline, &p->url, err) < 0)
			return -1;
		p->files = remote_release_files(p->url);
		return 0;
	}
	return open_directory(p, what, err);
}

static bool
has_digest(const char *text, size_t length, const struct digest *sha256)
{
	struct digest seen;

	digest_of(text, length, &seen);
	return digest_equal(&seen, sha256);
}

/* Another text in place of this one, or NULL. */
static bool
read_again(const char *path, char **text, size_t *length)
{
	struct error ignored = ERROR_INIT;

	free(TAKE(*text));
	return read_file(path, MAX_INPUT, text, length, &ignored) == 0;
}

/*
 * Writes one of matrix and lock, as the release was made from it, into the scratch directory: from
 * the tag's tree, else the file beside the published ones, else the one that this run was given.
 */
static int
put_input(const struct reproduction *p, const char *file, const struct digest *sha256,
	  const char *here, char **ret_path, struct error *err)
{
	AUTO(repo_freep) struct repo *repo = NULL;
	auto_free char *path = path_join(p->scratch, path_base(file));
	auto_free char *text = NULL, *beside = NULL;
	struct error ignored = ERROR_INIT;
	char hex[DIGEST_HEX_SIZE];
	size_t length = 0;
	bool good;

	if (p->directory != NULL)
		beside = path_join(p->directory, path_base(file));

	good = open_repo(p, &repo, &ignored) == 0 &&
	       repo_tree_file(repo, p->origin.tag, file, MAX_INPUT, &text, &length, &ignored) ==
		       0 &&
	       has_digest(text, length, sha256);
	if (!good && text != NULL && p->tag != NULL)
		return error_set(err, ERR_VERIFY,
				 "'%s' in tag '%s' does not match the input of the release", file,
				 p->origin.tag);

	if (!good && beside != NULL)
		good = read_again(beside, &text, &length) && has_digest(text, length, sha256);
	if (!good)
		good = read_again(here, &text, &length) && has_digest(text, length, sha256);
	if (!good)
		return error_set(
			err, ERR_NOT_FOUND,
			"cannot find the '%s' that %s was built from (sha256 %s): it is not in the "
			"tag of this repository, and '%s' does not match; use --repo DIR, or "
			"--matrix and --lock",
			file, p->origin.tag, digest_hex(sha256, hex), here);

	if (write_file(path, text, length, 0644, err) < 0)
		return -1;
	*ret_path = TAKE(path);
	return 0;
}

static int
make_place(struct reproduction *p, struct error *err)
{
	if (p->options->keep == NULL)
		return temporary_directory("distributor-reproduce", &p->scratch, err);
	p->scratch = xstrdup(p->options->keep);
	return make_directories(p->scratch, err);
}

/* What was not made again is taken as it is said to be. */
static int
believe_images(struct reproduction *p, struct release *release, struct error *err)
{
	struct release_image image;
	size_t count = 0;
	const char *tag;
	int found;

	while ((found = release_origin_image(&p->origin, count, &tag, &image.digest, err)) > 0) {
		image.tag = xstrdup(tag);
		p->images = xgrow(p->images, count, sizeof(*p->images));
		p->images[count++] = image;
		p->image_count = count;
	}
	release->images = p->images;
	release->image_count = count;
	return found;
}

static int
make_documents(struct reproduction *p, struct error *err)
{
	AUTO(release_info_clear) struct release_info info = RELEASE_INFO_INIT;
	struct release *release = &info.release;

	if (release_info_load(&p->made, NULL, &info, err) < 0 ||
	    release_info_load_assets(&p->made, &info, err) < 0)
		return -1;
	if (p->options->no_images && believe_images(p, release, err) < 0)
		return -1;
	/* What the document says of its maker cannot be made again; it is compared by itself. */
	release->tool = &p->origin.tool;
	release->commit = p->origin.commit;
	release->matrix_file = p->origin.matrix_file;
	release->lock_file = p->origin.lock_file;
	release->repositories = p->origin.repositories;
	release->repository_count = p->origin.repository_count;
	return step_sign_documents(&p->made, &info, err);
}

static int
make_again(struct reproduction *p, struct error *err)
{
	AUTO(step_fetch_clear) struct step_fetch fetching = STEP_FETCH_INIT;
	AUTO(step_tarballs_clear) struct step_tarballs packing = STEP_TARBALLS_INIT;
	const struct step_images_options imaging = {.revision = p->origin.commit,
						    .registrars = p->options->registrars,
						    .packlist = &packing.report.packlist};
	struct build_result built;

	if (workspace_load(&p->made, err) < 0 || step_fetch(&p->made, false, &fetching, err) < 0 ||
	    step_tarballs(&p->made, true, &packing, err) < 0)
		return -1;
	if (p->origin.has_images && !p->options->no_images &&
	    step_images(&p->made, &imaging, &built, err) < 0)
		return -1;
	return make_documents(p, err);
}

/* Whose bytes differ where the program does is told before they do. */
static void
tell_maker(const struct reproduction *p)
{
	auto_free char *made_by = tool_text(&p->origin.tool), *here = tool_text(version_tool());

	if (strcmp(made_by, here) != 0)
		log_warning("%s was built by a different version: distributor %s; this is %s, "
			    "which may produce different bytes",
			    p->origin.tag, made_by, here);
}

static int
prepare(struct reproduction *p, struct error *err)
{
	auto_free char *lock_here = workspace_lock_path(p->work);

	if (open_files(p, err) < 0)
		return -1;
	if (release_origin_read(&p->files, &p->origin, err) < 0)
		return -1;
	if (p->tag != NULL && strcmp(p->tag, p->origin.tag) != 0)
		return error_set(err, ERR_VERIFY, "these are the files of '%s', not of '%s'",
				 p->origin.tag, p->tag);
	if (make_place(p, err) < 0)
		return -1;
	if (put_input(p, p->origin.matrix_file, &p->origin.matrix_sha256, p->work->matrix_path,
		      &p->matrix_path, err) < 0)
		return -1;
	if (put_input(p, p->origin.lock_file, &p->origin.lock_sha256, lock_here, &p->lock_path,
		      err) < 0)
		return -1;
	p->made = *p->work;
	p->made.matrix_path = p->matrix_path;
	p->made.lock_path = p->lock_path;
	p->made.out = p->out = path_join(p->scratch, "out");
	p->made.made_again = true;
	p->made.epoch_sec = p->origin.source_date_epoch;
	tell_maker(p);
	return 0;
}

static void
reproduction_clear(struct reproduction *p)
{
	if (p->scratch != NULL && p->options->keep == NULL)
		remove_tree(p->scratch);
	workspace_clear(&p->made);
	release_origin_clear(&p->origin);
	remote_release_freep(&p->url);
	layout_free(p->published_images);
	for (size_t i = 0; i < p->image_count; i++)
		free(p->images[i].tag);
	free(p->images);
	free(p->directory);
	free(p->scratch);
	free(p->out);
	free(p->matrix_path);
	free(p->lock_path);
}

int
step_reproduce(const struct workspace *work, const struct step_reproduce_options *options,
	       struct step_reproduce *ret_reproducing, struct error *err)
{
	AUTO(reproduction_clear)
	struct reproduction p = {.work = work, .options = options, .result = ret_reproducing};

	if (prepare(&p, err) < 0)
		return -1;
	ret_reproducing->tag = xstrdup(p.origin.tag);
	ret_reproducing->commit = p.origin.commit != NULL ? xstrdup(p.origin.commit) : NULL;
	ret_reproducing->program = tool_text(&p.origin.tool);
	if (make_again(&p, err) < 0)
		return error_prefix(err, "cannot rebuild %s", p.origin.tag);
	if (options->keep != NULL)
		ret_reproducing->made_in = xstrdup(p.out);
	if (step_reproduce_compare_files(&p, err) < 0)
		return -1;
	return p.origin.has_images && !options->no_images ? step_reproduce_compare_images(&p, err)
							  : 0;
}
