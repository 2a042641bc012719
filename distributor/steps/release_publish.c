/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "distributor/steps/release_internal.h"
#include "distributor/verify/remote.h"
#include "distributor/verify/verify.h"
#include "distributor/workspace/key_files.h"

#include <string.h>

/* Hours may lie between the steps: a key that was revoked meanwhile signs nothing any more. */
static int
read_keys_again(struct release_run *r, struct error *err)
{
	keyring_clear(&r->keyring);
	return key_files_load(r->work.keys, NULL, &r->keyring, err);
}

int
release_run_draft(struct release_run *r, struct release_step *step, struct error *err)
{
	struct publish_options options = r->options->publish;
	const struct publish_result *result;
	auto_free char *bytes = NULL;

	options.directory = r->options->directory;
	options.dry_run = r->options->dry_run;
	options.tag_pending = r->tag_is_pending;
	if (read_keys_again(r, err) < 0 ||
	    step_publish_new(&r->work, &r->info, &r->keyring, &options, r->token.bytes,
			     &r->publishing, err) < 0 ||
	    step_publish_prepare(r->publishing, err) < 0)
		return -1;
	result = step_publish_result(r->publishing);
	bytes = format_bytes(result->bytes);
	if (result->was_there)
		step_end(step, STEP_KEPT, "already published and identical: %zu file%s",
			 result->kept, plural(result->kept));
	else if (result->uploaded == 0 && result->removed == 0)
		step_end(step, STEP_KEPT, "%zu file%s up to date", result->kept,
			 plural(result->kept));
	else
		step_end(step, step_written(r), "%zu file%s %s (%s), %zu unchanged, %zu removed",
			 result->uploaded, plural(result->uploaded),
			 options.dry_run ? "to upload" : "uploaded", bytes, result->kept,
			 result->removed);
	return 0;
}

/* What all repositories together got. */
static void
describe_push(const struct release_run *r, struct release_step *step,
	      const struct step_push *pushing)
{
	size_t writes = 0, tags = 0, there = 0;
	uint64_t bytes = 0;
	auto_free char *text = NULL;

	for (size_t i = 0; i < pushing->count; i++) {
		const struct push_result *p = &pushing->targets[i].result;

		writes += p->blobs_sent + p->manifests_sent + p->tags_new + p->tags_moved;
		tags += p->tags_new + p->tags_moved;
		there += p->tags_kept;
		bytes += p->bytes_sent;
	}
	text = format_bytes(bytes);
	if (writes == 0)
		step_end(step, STEP_KEPT, "%zu tag%s up to date", there, plural(there));
	else
		step_end(step, step_written(r), "%zu tag%s %s (%s), %zu unchanged", tags,
			 plural(tags), r->options->dry_run ? "to push" : "pushed", text, there);
}

/* Why there is nothing to push, or NULL. */
static const char *
no_push(const struct release_run *r)
{
	if (r->options->image_repositories.count != 0)
		return NULL;
	if (r->options->directory != NULL)
		return "the images stay in the OCI layout";
	return r->info.matrix->images.count == 0 ? "no image repository in the matrix" : NULL;
}

static int
push(struct release_run *r, bool only_version, struct release_step *step, struct error *err)
{
	AUTO(step_push_clear) struct step_push pushing = STEP_PUSH_INIT;
	struct step_push_options options = r->options->push;

	options.repositories = r->options->image_repositories.items;
	options.repository_count = r->options->image_repositories.count;
	options.version = r->info.matrix->version;
	options.keyring = &r->keyring;
	options.dry_run = r->options->dry_run;
	options.only_version = only_version;
	options.summary = true;
	if (read_keys_again(r, err) < 0 || step_push(&r->work, &options, &pushing, err) < 0)
		return -1;
	describe_push(r, step, &pushing);
	return 0;
}

int
release_run_push(struct release_run *r, struct release_step *step, struct error *err)
{
	if (no_push(r) == NULL)
		return push(r, true, step, err);
	step_end(step, STEP_SKIPPED, "%s", no_push(r));
	return 0;
}

int
release_run_publish(struct release_run *r, struct release_step *step, struct error *err)
{
	const struct publish_result *result;

	if (step_publish_run(r->publishing, err) < 0)
		return -1;
	result = step_publish_result(r->publishing);
	if (r->options->dry_run && !result->was_there)
		step_end(step, STEP_WOULD, "would be published");
	else
		step_end(step, result->was_there && !result->moved ? STEP_KEPT : STEP_DONE,
			 "%s%s%s", result->url != NULL ? result->url : "",
			 result->latest ? ", latest" : "", result->immutable ? ", immutable" : "");
	return 0;
}

/* Tags that move follow the release: an older version leaves them alone. */
int
release_run_latest(struct release_run *r, struct release_step *step, struct error *err)
{
	const char *why = no_push(r);

	if (why == NULL && !step_publish_publication(r->publishing)->latest)
		why = "another release remains the latest";
	if (why == NULL)
		return push(r, false, step, err);
	step_end(step, STEP_SKIPPED, "%s", why);
	return 0;
}

static int
conclude(const struct verify_report *report, struct release_step *step, const char *where,
	 struct error *err)
{
	if (verify_report_conclude(report, err) < 0)
		return error_prefix(err, "'%s'", where);
	step_end(step, STEP_DONE, "%s was downloaded again and verified", where);
	return 0;
}

static int
read_directory(struct release_run *r, struct release_step *step, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	auto_free char *path = path_join(r->options->directory, r->info.tag);
	/* Nothing that this run has read before: as anybody else would. */
	AUTO(seen_files_freep) struct seen_files *seen = seen_files_new();
	const struct verify_place place = {path, seen};
	const struct verify_files files = verify_directory_seen(&place);
	struct verify_request request = {.keyring = &r->keyring, .tag = r->info.tag};

	request.progress = progress_start(r->work.progress, "reading back", PROGRESS_ITEMS, 0);
	verify_release(&files, &request, &report);
	progress_done(request.progress, NULL);
	return conclude(&report, step, path, err);
}

/* The address of the files of a release page, to be freed by the caller, or NULL. */
static char *
download_base(const char *page)
{
	static const char part[] = "/releases/tag/";
	const char *at = page != NULL ? strstr(page, part) : NULL;

	if (at == NULL)
		return NULL;
	return xasprintf("%.*s/releases/download/%s", (int)(at - page), page,
			 at + sizeof(part) - 1);
}

/* Sizes and digests of all files were compared; the signed documents are fetched as by anybody. */
static int
read_page(struct release_run *r, const char *base, struct release_step *step, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	AUTO(remote_release_freep) struct remote_release *url = NULL;
	auto_free char *claim =
		release_file_name(r->info.matrix->name, r->info.matrix->version, "release");
	const char *const names[] = {claim, RELEASE_PROVENANCE_NAME};
	const struct verify_request request = {.keyring = &r->keyring,
					       .tag = r->info.tag,
					       .only = names,
					       .only_count = ARRAY_SIZE(names)};
	struct verify_files files;
	auto_free char *sums = NULL;
	size_t length;

	if (remote_release_open(base, r->work.offline, &url, err) < 0)
		return -1;
	files = remote_release_files(url);
	if (files.read(files.context, SUMS_NAME, SUMS_MAX_TEXT, &sums, &length, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		step_end(step, STEP_SKIPPED, "the release page of '%s' is not public", r->info.tag);
		return 0;
	}
	verify_release(&files, &request, &report);
	return conclude(&report, step, base, err);
}

int
release_run_read_back(struct release_run *r, struct release_step *step, struct error *err)
{
	auto_free char *base = NULL;

	if (r->options->dry_run) {
		step_end(step, STEP_SKIPPED, "dry run: nothing to read back");
		return 0;
	}
	if (r->options->directory != NULL)
		return read_directory(r, step, err);
	base = download_base(release_run_url(r));
	if (base == NULL) {
		step_end(step, STEP_SKIPPED, "the release has no public URL");
		return 0;
	}
	return read_page(r, base, step, err);
}
