/* SPDX-License-Identifier: MIT */
#include "distributor/steps/tag.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "distributor/cli/command.h"
#include "distributor/commands/key_options.h"
#include "distributor/steps/publish.h"
#include "distributor/workspace/key_files.h"
#include "publish/git/git_push.h"
#include "sign/make/secret.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct key_input source = KEY_INPUT_INIT;
static struct step_tag tagging = {.revision = "HEAD"};
static const char *repo_path = ".", *remote = "origin", *root;
static bool push, verify;

/* "10.2.2-1" or "v10.2.2-1": what the caller believes the matrix says. */
static int
check_version(const struct release_info *info, const char *version, struct error *err)
{
	if (strcmp(version, info->tag) == 0 || strcmp(version, info->matrix->version) == 0)
		return 0;
	return error_set(err, ERR_INPUT, "the matrix has version %s, not %s", info->matrix->version,
			 version);
}

/* 1 sent, 0 there already. */
static int
push_tag(struct release_info *info, struct error *err)
{
	AUTO(secret_clear) struct secret token = SECRET_INIT;
	struct repo_push target = {.remote = remote,
				   .token_server = step_publish_server(info->matrix),
				   .dry_run = tagging.dry_run,
				   .notice = notice_warning};

	if (secret_take_environment("GITHUB_TOKEN", &token, err) == 0)
		log_add_secret(token.bytes);
	else if (err->code != ERR_NOT_FOUND)
		return -1;
	target.token = token.bytes;
	return repo_tag_push(info->repo, info->tag, &target, err);
}

static void
print_result(const struct app *app, const struct release_info *info,
	     const struct step_tag_result *result, int made, int sent)
{
	const char *what = made == 0         ? "already exists"
			   : tagging.dry_run ? "would be created"
					     : "created";
	const char *where = sent == 0         ? "already has the tag"
			    : tagging.dry_run ? "would receive the tag"
					      : "now has the tag";

	if (app->json) {
		app_print_json(jsonx_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "tag", info->tag, "id",
					  result->id, "made", made, "pushed", push && sent,
					  "dry_run", tagging.dry_run ? 1 : 0, "names_sums",
					  result->names_sums ? 1 : 0));
		return;
	}
	if (app->quiet)
		return;
	(void)printf("%s %s: %s\n", info->tag, what, result->id);
	if (result->names_sums)
		(void)printf("The tag names a SHA256SUMS: only the files listed there can be "
			     "released under it.\n");
	if (push)
		(void)printf("%s %s\n", remote, where);
}

static int
make_tag(struct app *app, struct release_info *info, struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	AUTO(lazy_signer_clear) struct lazy_signer lazy = LAZY_SIGNER_INIT(&keyring, &source);
	struct step_tag_result result;
	int made, sent = 0;

	if (release_info_check_revision(info, &app->work, tagging.revision, err) < 0 ||
	    key_files_load(app->work.keys, NULL, &keyring, err) < 0)
		return -1;
	made = step_tag(&app->work, info, &lazy, &tagging, &result, err);
	if (made < 0)
		return -1;
	/* A dry run has no tag that could be pushed, unless it was there before. */
	if (push && !(tagging.dry_run && made > 0)) {
		sent = push_tag(info, err);
		if (sent < 0)
			return -1;
	} else {
		sent = made;
	}
	print_result(app, info, &result, made, sent);
	return 0;
}

static int
run_tag(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(release_info_clear) struct release_info info = RELEASE_INFO_INIT;
	auto_free char *signer = NULL;

	if (workspace_load(&app->work, err) < 0 ||
	    release_info_load(&app->work, repo_path, &info, err) < 0 ||
	    (argc == 1 && check_version(&info, argv[0], err) < 0))
		return -1;
	if (root != NULL && !verify)
		return error_set(err, ERR_USAGE, "--root requires --verify");
	if (!verify)
		return make_tag(app, &info, err);
	if (release_info_check_tagged(&info, &app->work, root, &signer, err) < 0)
		return -1;
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:s, s:b, s:s, s:s}", "tag", info.tag, "commit",
					  info.commit, "verified", 1, "signer", signer, "keys",
					  app->work.keys));
	else if (!app->quiet)
		(void)printf(
			"%s is verified: signed by allowed key %s from %s, points to commit %s\n",
			info.tag, signer, app->work.keys, info.commit);
	return 0;
}

static const struct option_spec tag_options[] = {
	{"push", '\0', NULL, OPTION_FLAG, &push, "push the tag to the remote; never forces"},
	{"remote", '\0', "REMOTE", OPTION_TEXT, &remote,
	 "remote name, URL or path to push to (default\n"
	 "origin). Pushes with git and its credentials, or\n"
	 "with GITHUB_TOKEN to the server in the matrix"},
	{"verify", '\0', NULL, OPTION_FLAG, &verify,
	 "verify the tag instead: signature, name, version,\n"
	 "HEAD, matrix and lock"},
	{"root", '\0', "FINGERPRINT", OPTION_TEXT, &root,
	 "with --verify: root key that must have signed the\n"
	 "list of keys (SHA256:...)"},
	{"commit", '\0', "REV", OPTION_TEXT, &tagging.revision, "commit to tag (default HEAD)"},
	{"sums", '\0', NULL, OPTION_FLAG | OPTION_HIDDEN, &tagging.name_sums,
	 "record the digest of OUT/assets/SHA256SUMS, written\n"
	 "by 'sign', in the tag: no other build can be\n"
	 "released under it"},
	{"tagger", '\0', "WHO", OPTION_TEXT, &tagging.tagger,
	 "\"NAME <EMAIL>\" (default: user of git, or the\n"
	 "signer)"},
	{"repo", '\0', "DIR", OPTION_TEXT, &repo_path, "git repository (default .)"},
	{"dry-run", '\0', NULL, OPTION_FLAG, &tagging.dry_run,
	 "check everything, but do not create or push the tag"},
	KEY_INPUT_OPTIONS(source),
	{.name = NULL},
};

const struct command cmd_tag = {
	.name = "tag",
	.args = "[VERSION]",
	.summary = "create and push the signed tag of the release",
	.description =
		"Creates the annotated tag vVERSION for the version in the matrix, with an SSH\n"
		"signature that 'git verify-tag' accepts. Its date is SOURCE_DATE_EPOCH or the\n"
		"date of the lock, so the same release always has the same tag. If the tag exists\n"
		"with the same content, the command succeeds; with different content it fails and\n"
		"shows both.\n"
		"\n"
		"The commit must contain the matrix and the lock as they are on disk.\n",
	.examples = "  distributor tag --matrix matrix/debian.json --key ~/release.pem --push\n"
		    "  distributor tag --matrix matrix/debian.json --verify\n",
	.options = tag_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_KEYS,
	.min_args = 0,
	.max_args = 1,
	.run = run_tag,
};
