/* SPDX-License-Identifier: MIT */
#include "distributor/steps/publish.h"

#include "base/alloc.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "distributor/steps/release_before.h"
#include "distributor/steps/release_notes.h"
#include "distributor/verify/release_json.h"
#include "distributor/verify/verify.h"
#include "distributor/workspace/version.h"
#include "model/release_version.h"
#include "publish/git/git_tag.h"
#include "sign/check/sshsig.h"

#include <stdlib.h>
#include <string.h>

/* The files that SHA256SUMS cannot list; and what else a key has signed. */
static const char *const unlisted[] = {SUMS_NAME, SUMS_NAME ".sig", SUMS_NAME ".minisig"};
static const char *const signed_files[] = {RELEASE_PROVENANCE_NAME, SUMS_NAME, SUMS_NAME ".sig",
					   SUMS_NAME ".minisig"};

struct step_publish {
	const struct workspace *work;
	struct publish_options options;
	const struct release_info *info;
	const struct keyring *keyring;
	char *directory; /* OUT/assets */
	char *sums_text; /* SHA256SUMS, as verified */
	struct digest sums_sha256;
	struct sums sums;   /* the same, read */
	char *tag_id;       /* or NULL */
	char *title, *body; /* of the release page */
	struct publish_file *files;
	char **paths;
	struct publication publication;
	char *latest_tag; /* what is the latest before this; or NULL */
	struct publish_result result;
	struct http_client *http;
	struct github *github; /* NULL: to a directory */
	struct directory_target target;
};

int
step_publish_read_words(struct publish_options *options, const char *latest, struct error *err)
{
	static const char *const words[] = {
		[LATEST_AUTO] = "auto", [LATEST_YES] = "yes", [LATEST_NO] = "no"};
	size_t i = 0;

	while (i < ARRAY_SIZE(words) && strcmp(latest, words[i]) != 0)
		i++;
	if (i == ARRAY_SIZE(words))
		return error_set(err, ERR_USAGE, "--latest takes auto, yes or no, not '%s'",
				 latest);
	options->latest = (enum publish_latest)i;
	if (options->pace_ms > 3600000)
		return error_set(err, ERR_USAGE, "--pace must be at most 3600000 ms");
	return 0;
}

void
step_publish_free(struct step_publish *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; p->paths != NULL && i < p->publication.count; i++)
		free(p->paths[i]);
	free(p->paths);
	free(p->files);
	github_free(p->github);
	http_client_free(p->http);
	publish_result_clear(&p->result);
	sums_clear(&p->sums);
	free(p->directory);
	free(p->sums_text);
	free(p->tag_id);
	free(p->latest_tag);
	free(p->title);
	free(p->body);
	free(p);
}

void
step_publish_freep(struct step_publish **publishing)
{
	step_publish_free(*publishing);
	*publishing = NULL;
}

/* As anybody will verify it, and fails closed: what is missing here is missing for all. */
static int
verify_files_there(struct step_publish *p, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	const struct verify_place place = {p->directory, p->work->seen};
	const struct verify_files files = verify_directory_seen(&place);
	struct verify_request request = {.keyring = p->keyring, .tag = p->info->tag};

	request.progress = progress_start(p->work->progress, "verifying", PROGRESS_ITEMS, 0);
	verify_release(&files, &request, &report);
	progress_done(request.progress, NULL);
	if (verify_report_conclude(&report, err) < 0)
		return error_prefix(err, "cannot publish %s", p->directory);
	/* What is listed below is what was verified, and not what lay there before. */
	if (!digest_equal(&p->sums_sha256, &report.sums))
		return error_set(err, ERR_VERIFY, "'%s/" SUMS_NAME "' changed after it was read",
				 p->directory);
	return 0;
}

/* The tag that the remote has to have, if the repository here knows it: of this release alone. */
static int
verify_tag_there(struct step_publish *p, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	AUTO(release_origin_clear) struct release_origin origin = RELEASE_ORIGIN_INIT;
	const struct verify_place place = {p->directory, p->work->seen};
	const struct verify_files files = verify_directory_seen(&place);
	auto_free char *text = NULL;
	char id[REPO_ID_SIZE], want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest named;
	size_t length;

	if (p->info->repo == NULL)
		return 0;
	if (repo_tag_read(p->info->repo, p->info->tag, &text, &length, id, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (release_origin_read(&files, &origin, err) < 0)
		return -1;
	verify_tag(p->info->tag, text, length, p->keyring, origin.commit, &report, &named);
	if (verify_report_conclude(&report, err) < 0)
		return error_prefix(err, "cannot publish %s", p->info->tag);
	if (!digest_is_zero(&named) && !digest_equal(&named, &p->sums_sha256))
		return error_set(
			err, ERR_VERIFY, "tag '%s' names SHA256SUMS %s, which does not match %s",
			p->info->tag, digest_hex(&named, want), digest_hex(&p->sums_sha256, got));
	p->tag_id = xstrdup(id);
	return 0;
}

static int
add_file(struct step_publish *p, const char *name, const struct digest *sha256, struct error *err)
{
	size_t i = p->publication.count++;
	struct digest seen;

	p->paths[i] = path_join(p->directory, name);
	p->files[i] = (struct publish_file){.name = name, .path = p->paths[i]};
	if (seen_digest(p->work->seen, p->paths[i], &seen, &p->files[i].size, err) < 0)
		return -1;
	if (sha256 != NULL && !digest_equal(&seen, sha256))
		return error_set(err, ERR_VERIFY, "'%s' changed after it was verified",
				 p->paths[i]);
	p->files[i].sha256 = seen;
	return 0;
}

/* All files of SHA256SUMS, it and its signatures: no more and no less. */
static int
list_files(struct step_publish *p, struct error *err)
{
	size_t room = p->sums.count + ARRAY_SIZE(unlisted);

	p->files = xcalloc(room, sizeof(*p->files));
	p->paths = xcalloc(room, sizeof(*p->paths));
	for (size_t i = 0; i < p->sums.count; i++)
		if (add_file(p, p->sums.entries[i].name, &p->sums.entries[i].sha256, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(unlisted); i++)
		if (add_file(p, unlisted[i],
			     strcmp(unlisted[i], SUMS_NAME) == 0 ? &p->sums_sha256 : NULL, err) < 0)
			return -1;
	p->publication.files = p->files;
	return 0;
}

/* The key that signed, and whose it is. */
static int
find_signer(const struct step_publish *p, struct sshsig *ret_sig, const char **ret_principal,
	    struct error *err)
{
	auto_free char *path = path_join(p->directory, SUMS_NAME ".sig"), *text = NULL;
	const struct keyring_entry *entry;
	size_t length;

	if (seen_read(p->work->seen, path, SSHSIG_MAX_TEXT, &text, &length, err) < 0 ||
	    sshsig_parse(text, length, ret_sig, path, err) < 0 ||
	    keyring_find_for(p->keyring, &ret_sig->key, SSHSIG_FILE, p->info->tag, path, &entry,
			     err) < 0)
		return -1;
	*ret_principal = entry->principal;
	return 0;
}

const char *
step_publish_server(const struct matrix *matrix)
{
	const char *server = environment_get("GITHUB_SERVER_URL");

	return server != NULL ? server : matrix->server;
}

int
step_publish_repository(const struct matrix *matrix, const char **ret_repository, struct error *err)
{
	const char *repository = environment_get("GITHUB_REPOSITORY");

	if (repository == NULL)
		repository = matrix->github;
	if (repository == NULL)
		return error_set(err, ERR_INPUT,
				 "no GitHub repository given: set \"repository.github\" in the "
				 "matrix or GITHUB_REPOSITORY");
	*ret_repository = repository;
	return 0;
}

/* The address of the repository that it is published in, to be freed by the caller, or NULL. */
static char *
repository_page(const struct step_publish *p)
{
	const char *repository;
	struct error ignored = ERROR_INIT;

	if (step_publish_repository(p->info->matrix, &repository, &ignored) < 0)
		return NULL;
	return xasprintf("%s/%s", step_publish_server(p->info->matrix), repository);
}

static int
make_text(struct step_publish *p, struct error *err)
{
	AUTO(release_before_clear) struct release_before before = RELEASE_BEFORE_INIT;
	auto_free char *repository = repository_page(p);
	struct release_notes notes = {
		.info = p->info, .repository = repository, .sums = p->sums_text};
	const char *actions = environment_get("GITHUB_ACTIONS");
	struct sshsig sig;

	if (find_signer(p, &sig, &notes.principal, err) < 0 ||
	    release_before_find(p->info, p->github, &before, err) < 0)
		return -1;
	/* The last job of the workflow attests; a release that is made elsewhere has nobody for that. */
	if (p->options.directory == NULL && actions != NULL && strcmp(actions, "true") == 0 &&
	    step_publish_repository(p->info->matrix, &notes.attested_by, err) < 0)
		return -1;
	notes.key = &sig.key;
	notes.before = before.state;
	notes.previous_tag = before.tag;
	notes.previous = &before.lock;
	p->title = xasprintf("%s %s", p->info->matrix->name, p->info->tag);
	return release_notes_make(&notes, p->options.template_path, &p->body, err);
}

static int
open_github(struct step_publish *p, const char *token, struct error *err)
{
	AUTO(secret_clear) struct secret taken = SECRET_INIT;
	struct github_options options = GITHUB_OPTIONS_DEFAULT;
	auto_free char *agent = xasprintf("distributor/%s", version_program());
	auto_free char *api_url = github_api_of(step_publish_server(p->info->matrix));
	auto_free char *hint_path = path_join(p->work->out, "github-draft.json");
	const struct http_options http_options = {
		.user_agent = agent, .notice = notice_info, .tries = 4};

	if (p->work->offline)
		return error_set(err, ERR_USAGE, "--offline cannot be used with --target github");
	if (token == NULL && secret_take_environment("GITHUB_TOKEN", &taken, err) == 0)
		token = taken.bytes;
	if (token == NULL && err->code != ERR_NOT_FOUND)
		return -1;
	if (token == NULL && !p->options.dry_run)
		return error_set(
			err, ERR_USAGE,
			"GITHUB_TOKEN is not set; it requires the permission 'contents: write'");
	if (token != NULL)
		log_add_secret(token);
	if (step_publish_repository(p->info->matrix, &options.repository, err) < 0 ||
	    http_client_new(&http_options, &p->http, err) < 0)
		return -1;
	options.api_url = api_url;
	if (environment_get("GITHUB_API_URL") != NULL)
		options.api_url = environment_get("GITHUB_API_URL");
	options.token = token;
	options.hint_path = hint_path;
	options.dry_run = p->options.dry_run;
	options.notice = notice_info;
	options.progress = p->work->progress;
	options.pace.interval_ms = (unsigned int)p->options.pace_ms;
	if (p->options.pace_ms == 0)
		options.pace = (struct pacer_limits){0, 0, 0};
	return github_new(&options, p->http, &p->github, err);
}

static int
open_target(struct step_publish *p, const char *token, struct error *err)
{
	if (p->options.directory == NULL)
		return open_github(p, token, err);
	p->target = (struct directory_target){.path = p->options.directory,
					      .dry_run = p->options.dry_run,
					      .progress = p->work->progress,
					      .seen = p->work->seen,
					      .notice = notice_info};
	return 0;
}

static void
tell_latest(const struct step_publish *p)
{
	log_info("'%s' remains the latest release; use --latest yes to make '%s' the latest",
		 p->latest_tag, p->info->tag);
}

/* An older version does not take the place of a newer one by itself, nor a candidate of a release. */
static int
decide_latest(struct step_publish *p, struct error *err)
{
	p->publication.latest = p->options.latest == LATEST_YES;
	if (p->options.latest != LATEST_AUTO)
		return 0;
	if ((p->github != NULL ? github_latest_tag(p->github, &p->latest_tag, err)
			       : directory_latest_tag(&p->target, &p->latest_tag, err)) < 0)
		return -1;
	p->publication.latest = release_tag_takes_latest(p->info->tag, p->latest_tag);
	if (!p->publication.latest)
		tell_latest(p);
	return 0;
}

/*
 * GitHub publishes a release and makes it the latest in one step. Where another one is the latest
 * since then, somebody wants it so.
 */
static void
keep_latest(struct step_publish *p)
{
	if (!p->result.was_there || !p->publication.latest || p->options.latest != LATEST_AUTO ||
	    p->latest_tag == NULL || strcmp(p->latest_tag, p->info->tag) == 0)
		return;
	p->publication.latest = false;
	tell_latest(p);
}

static int
gather(struct step_publish *p, const char *token, struct error *err)
{
	auto_free char *sums_path = NULL;
	auto_free char *command =
		workspace_command(p->work, "sign", SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	size_t length;

	p->directory = path_join(p->work->out, "assets");
	sums_path = path_join(p->directory, SUMS_NAME);
	if (seen_read(p->work->seen, sums_path, SUMS_MAX_TEXT, &p->sums_text, &length, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			error_set(err, ERR_NOT_FOUND,
				  "'%s' does not exist; sign the release first: %s", sums_path,
				  command);
		return -1;
	}
	digest_of(p->sums_text, length, &p->sums_sha256);
	if (sums_parse(p->sums_text, length, &p->sums, sums_path, err) < 0 ||
	    verify_files_there(p, err) < 0 || verify_tag_there(p, err) < 0 ||
	    list_files(p, err) < 0 || open_target(p, token, err) < 0 || make_text(p, err) < 0)
		return -1;
	p->publication.tag = p->info->tag;
	p->publication.tag_id = p->tag_id;
	p->publication.tag_pending = p->options.tag_pending;
	p->publication.title = p->title;
	p->publication.body = p->body;
	return 0;
}

int
step_publish_new(const struct workspace *work, const struct release_info *info,
		 const struct keyring *keyring, const struct publish_options *options,
		 const char *token, struct step_publish **ret_publishing, struct error *err)
{
	AUTO(step_publish_freep) struct step_publish *p = xcalloc(1, sizeof(*p));

	p->work = work;
	p->info = info;
	p->keyring = keyring;
	p->options = *options;
	if (gather(p, token, err) < 0 || decide_latest(p, err) < 0)
		return -1;
	*ret_publishing = TAKE(p);
	return 0;
}

int
step_publish_adopt(const struct workspace *work, const struct release_info *info,
		   const struct publish_options *options, const char *token, struct error *err)
{
	AUTO(step_publish_freep) struct step_publish *p = xcalloc(1, sizeof(*p));

	p->work = work;
	p->info = info;
	p->options = *options;
	p->directory = path_join(work->out, "assets");
	if (open_target(p, token, err) < 0 || make_directories(p->directory, err) < 0)
		return -1;
	if (p->github == NULL)
		return directory_fetch(&p->target, p->info->tag, signed_files,
				       ARRAY_SIZE(signed_files), p->directory, err);
	return github_fetch(p->github, p->info->tag, signed_files, ARRAY_SIZE(signed_files),
			    p->directory, err);
}

int
step_publish_prepare(struct step_publish *p, struct error *err)
{
	if (p->github == NULL)
		return directory_prepare(&p->target, &p->publication, &p->result, err);
	if (github_prepare(p->github, &p->publication, &p->result, err) < 0)
		return -1;
	keep_latest(p);
	return 0;
}

int
step_publish_run(struct step_publish *p, struct error *err)
{
	return p->github != NULL ? github_publish(p->github, &p->publication, &p->result, err)
				 : directory_publish(&p->target, &p->publication, &p->result, err);
}

const struct publish_result *
step_publish_result(const struct step_publish *p)
{
	return &p->result;
}

const struct publication *
step_publish_publication(const struct step_publish *p)
{
	return &p->publication;
}
