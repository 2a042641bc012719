/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "base/text.h"
#include "distributor/steps/fetch.h"
#include "distributor/steps/release_internal.h"
#include "distributor/steps/sign.h"
#include "distributor/steps/sign_images.h"
#include "distributor/steps/tag.h"
#include "distributor/steps/tarballs.h"
#include "distributor/steps/throwaway.h"
#include "distributor/verify/verify.h"
#include "distributor/workspace/key_files.h"
#include "distributor/workspace/out_claim.h"
#include "publish/git/git_push.h"
#include "sign/check/sums.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
prepare_rehearsal(struct release_run *r, struct error *err)
{
	const struct release_run_options *o = r->options;
	AUTO(repo_freep) struct repo *repo = NULL;
	bool needs_key;

	if (throwaway_needs_key(&r->work, &r->key, &needs_key, err) < 0)
		return -1;
	if (needs_key) {
		if (throwaway_key(&r->work, &r->key_path, &r->keys_path, err) < 0)
			return -1;
		r->key.file = r->key_path;
		r->work.keys = r->keys_path;
	}
	if (o->repo_path != NULL)
		return 0;
	/* Nobody wants a tag of a throw-away key in a repository of theirs. */
	if (r->key_path == NULL && repo_open(".", &repo, err) == 0)
		return 0;
	if (r->key_path == NULL && err->code != ERR_NOT_FOUND)
		return -1;
	return throwaway_repository(&r->work, &r->repo_path, err);
}

const char *
release_run_repo_path(const struct release_run *r)
{
	if (r->repo_path != NULL)
		return r->repo_path;
	return r->options->repo_path != NULL ? r->options->repo_path : ".";
}

static int
check_version(const struct release_run *r, struct error *err)
{
	const char *version = r->options->version;

	if (version == NULL || strcmp(version, r->info.tag) == 0 ||
	    strcmp(version, r->info.matrix->version) == 0)
		return 0;
	return error_set(err, ERR_INPUT, "'%s' has version %s, not %s", r->work.matrix_path,
			 r->info.matrix->version, version);
}

/* The tag would promise a matrix and a lock that its commit does not have. */
static int
check_commit(const struct release_run *r, struct error *err)
{
	/* A repository that was made for this release has them by construction. */
	if (r->repo_path != NULL)
		return 0;
	if (r->info.repo == NULL || r->info.commit == NULL)
		return error_set(err, ERR_NOT_FOUND, "'%s' is not a git repository with a commit",
				 release_run_repo_path(r));
	return release_info_check_committed(&r->info, &r->work, err);
}

/* After the tag that started the run was verified, and before hours of work without one. */
static int
take_token(struct release_run *r, struct error *err)
{
	if (r->options->directory != NULL)
		return 0;
	if (secret_take_environment("GITHUB_TOKEN", &r->token, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		if (r->options->dry_run)
			return 0;
		return error_set(
			err, ERR_USAGE,
			"GITHUB_TOKEN is not set; it requires the permission 'contents: write'");
	}
	log_add_secret(r->token.bytes);
	return 0;
}

static bool
is_tag_run(void)
{
	const char *type = getenv("GITHUB_REF_TYPE");

	return type != NULL && strcmp(type, "tag") == 0;
}

/*
 * A good tag of this commit, whoever made it, is as good as a new one. 1 there, 0 not, -1.
 * `*ret_sums` is the SHA256SUMS that it is of, or zero.
 */
static int
find_tag(const struct release_run *r, struct digest *ret_sums, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	auto_free char *text = NULL;
	char id[REPO_ID_SIZE];
	size_t length;

	if (repo_tag_read(r->info.repo, r->info.tag, &text, &length, id, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	verify_tag(r->info.tag, text, length, &r->keyring, r->info.commit, &report, ret_sums);
	return verify_report_conclude(&report, err) < 0 ? -1 : 1;
}

int
release_run_lock(struct release_run *r, struct release_step *step, struct error *err)
{
	struct digest sums;

	if (workspace_load(&r->work, err) < 0)
		return -1;
	if (r->options->directory != NULL && prepare_rehearsal(r, err) < 0)
		return -1;
	if (release_info_load(&r->work, release_run_repo_path(r), &r->info, err) < 0 ||
	    check_version(r, err) < 0 ||
	    release_info_check_trigger(&r->info, r->work.keys, err) < 0 ||
	    check_commit(r, err) < 0 || key_files_load(r->work.keys, NULL, &r->keyring, err) < 0 ||
	    take_token(r, err) < 0)
		return -1;
	if (r->repo_path != NULL)
		repo_set_own(r->info.repo);
	if (r->options->image_repositories.count != 0)
		r->info.image_repositories = r->options->image_repositories;
	/* A tag of something else, before hours of work that could not be released under it. */
	if (find_tag(r, &sums, err) < 0)
		return -1;
	r->triggered = is_tag_run();
	step_end(step, STEP_DONE, "%s of %zu host%s, %zu package%s pinned", r->info.matrix->version,
		 r->info.matrix->host_count, plural(r->info.matrix->host_count),
		 r->info.lock->packages.count, plural(r->info.lock->packages.count));
	return 0;
}

/* Packages are needed only for tarballs that are not there. */
int
release_run_fetch(struct release_run *r, struct release_step *step, struct error *err)
{
	AUTO(step_fetch_clear) struct step_fetch fetching = STEP_FETCH_INIT;
	bool complete;

	if (step_tarballs_are_complete(&r->work, &complete, err) < 0)
		return -1;
	if (complete) {
		step_end(step, STEP_KEPT, "not needed, all tarballs exist");
		return 0;
	}
	if (step_fetch(&r->work, false, &fetching, err) < 0)
		return -1;
	auto_free char *received = format_bytes(fetching.received);

	if (fetching.fetched == 0)
		step_end(step, STEP_KEPT, "%zu package%s in the cache", fetching.present,
			 plural(fetching.present));
	else
		step_end(step, STEP_DONE, "%zu package%s, %zu fetched (%s)",
			 fetching.packages.count, plural(fetching.packages.count), fetching.fetched,
			 received);
	return 0;
}

int
release_run_tarballs(struct release_run *r, struct release_step *step, struct error *err)
{
	AUTO(step_tarballs_clear) struct step_tarballs packing = STEP_TARBALLS_INIT;
	auto_free char *out = NULL;

	if (step_tarballs(&r->work, true, &packing, err) < 0)
		return -1;
	/* Images and signatures are made of these. */
	r->packlist = packing.report.packlist;
	packing.report.packlist = (struct packlist)PACKLIST_INIT;
	r->info.assets = packing.report.assets;
	packing.report.assets = (struct asset_list)ASSET_LIST_INIT;
	for (size_t i = 0; i < packing.report.removed_count; i++)
		log_info("removed '%s' from an earlier run", packing.report.removed[i]);
	out = format_bytes(packing.bytes_out);
	if (packing.made == 0)
		step_end(step, STEP_KEPT, "%zu tarball%s (%s) up to date", packing.unchanged,
			 plural(packing.unchanged), out);
	else
		step_end(step, STEP_DONE, "%zu tarball%s (%s), %zu built",
			 packing.made + packing.unchanged, plural(packing.made + packing.unchanged),
			 out, packing.made);
	return 0;
}

int
release_run_images(struct release_run *r, struct release_step *step, struct error *err)
{
	struct step_images_options options = r->options->imaging;
	struct build_result result;

	options.revision = r->info.commit;
	options.packlist = &r->packlist;
	if (step_images(&r->work, &options, &result, err) < 0)
		return -1;
	step_end(step, result.changed ? STEP_DONE : STEP_KEPT,
		 "%zu pair image%s, %zu for hosts, %zu %s%s", result.pair_images,
		 plural(result.pair_images), result.host_images, result.indexes,
		 result.indexes == 1 ? "index" : "indexes", result.changed ? "" : ", up to date");
	return 0;
}

/*
 * On another machine than before, or without the OUT of then: what was signed then stays what is
 * published. Signing verifies it.
 */
static int
adopt(struct release_run *r, struct error *err)
{
	auto_free char *path = xasprintf("%s/assets/%s", r->work.out, SUMS_NAME);
	struct publish_options options = r->options->publish;
	bool there;
	int count;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (there)
		return 0;
	options.directory = r->options->directory;
	options.dry_run = r->options->dry_run;
	count = step_publish_adopt(&r->work, &r->info, &options, r->token.bytes, err);
	if (count > 0)
		log_info("restored %d signed file%s from an earlier run", count,
			 plural((size_t)count));
	return count < 0 ? -1 : 0;
}

int
release_run_sign(struct release_run *r, struct release_step *step, struct error *err)
{
	auto_close int lock = out_claim(r->work.out, true, err);
	struct step_sign_images_result images = {0, 0};
	struct step_sign_result result;
	auto_free char *names = NULL;

	if (lock < 0 || adopt(r, err) < 0 ||
	    release_info_load_assets(&r->work, &r->info, err) < 0 ||
	    step_sign(&r->work, &r->info, &r->signer, &result, err) < 0 ||
	    step_sign_images(&r->work, &r->info.image_repositories,
			     r->info.assets.source_date_epoch, &r->signer, &images, err) < 0)
		return -1;
	names = images.images != 0
			? xasprintf("%zu asset%s and %zu image%s", result.assets,
				    plural(result.assets), images.images, plural(images.images))
			: xasprintf("%zu asset%s", result.assets, plural(result.assets));
	if (result.written == 0 && images.written == 0)
		step_end(step, STEP_KEPT, "%s already signed", names);
	else
		step_end(step, STEP_DONE, "%s, signed by %s", names,
			 r->signer.fingerprint[0] != '\0' ? r->signer.fingerprint
							  : "an earlier run");
	return 0;
}

/* A tag that says which SHA256SUMS it is of has to be of these. */
static int
check_tag_sums(const struct release_run *r, const struct digest *named, struct error *err)
{
	auto_free char *path = xasprintf("%s/assets/%s", r->work.out, SUMS_NAME);
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest here;

	if (digest_is_zero(named))
		return 0;
	if (seen_digest(r->work.seen, path, &here, NULL, err) < 0)
		return -1;
	if (digest_equal(named, &here))
		return 0;
	return error_set(err, ERR_VERIFY,
			 "tag '%s' already exists and names a different %s: %s, expected %s; a "
			 "release with this name was built from different inputs",
			 r->info.tag, SUMS_NAME, digest_hex(named, want), digest_hex(&here, got));
}

/* 1 sent, 0 there already. */
static int
push_tag(struct release_run *r, struct error *err)
{
	const struct repo_push target = {.remote = r->options->remote,
					 .token = r->token.bytes,
					 .token_server = step_publish_server(r->info.matrix),
					 .dry_run = r->options->dry_run,
					 .notice = notice_warning};

	return repo_tag_push(r->info.repo, r->info.tag, &target, err);
}

int
release_run_tag_step(struct release_run *r, struct release_step *step, struct error *err)
{
	const struct step_tag tagging = {.revision =
						 r->info.commit != NULL ? r->info.commit : "HEAD",
					 .tagger = r->options->tagger,
					 .name_sums = true,
					 .dry_run = r->options->dry_run};
	bool remote = r->options->directory == NULL && !r->triggered;
	struct step_tag_result result;
	struct digest sums;
	int there = find_tag(r, &sums, err), made = 0, sent = 0;

	if (there < 0 || (there == 0 && r->triggered))
		return -1;
	if (there > 0 && check_tag_sums(r, &sums, err) < 0)
		return -1;
	if (there == 0)
		made = step_tag(&r->work, &r->info, &r->signer, &tagging, &result, err);
	if (made < 0)
		return -1;
	r->tag_is_pending = made > 0 && tagging.dry_run;
	if (remote && !r->tag_is_pending)
		sent = push_tag(r, err);
	if (sent < 0)
		return -1;
	r->tag_is_pending = r->tag_is_pending || (sent > 0 && tagging.dry_run);
	if (r->triggered)
		step_end(step, STEP_KEPT, "%s started this run, verified", r->info.tag);
	else if (made == 0 && sent == 0)
		step_end(step, STEP_KEPT, "%s exists%s", r->info.tag,
			 remote ? " here and at the remote" : "");
	else
		step_end(step, step_written(r), "%s%s%s", r->info.tag,
			 r->tag_is_pending ? " would be" : "",
			 made != 0 && remote ? " created and pushed"
			 : made != 0         ? " created"
					     : " pushed");
	return 0;
}
