/* SPDX-License-Identifier: MIT */
#include "distributor/steps/publish.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/progress.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/workspace/key_files.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct publish_options options = PUBLISH_OPTIONS_DEFAULT;
static const char *target = "github", *latest = "auto", *notes_path, *repo_path = ".";
static bool only_draft, adopt;

static int
read_target(const struct app *app, int argc, char **argv, struct error *err)
{
	if (step_publish_read_words(&options, latest, err) < 0)
		return -1;
	if (strcmp(target, "github") == 0 && argc == 0)
		return 0;
	if (strcmp(target, "github") == 0)
		return error_set(err, ERR_USAGE, "argument '%s' requires --target directory",
				 argv[0]);
	if (strcmp(target, "directory") != 0)
		return error_set(err, ERR_USAGE, "--target takes github or directory, not '%s'",
				 target);
	if (argc != 1)
		return error_set(err, ERR_USAGE,
				 "--target directory requires a directory, such as %s/releases",
				 app->work.out);
	options.directory = argv[0];
	return 0;
}

static void
print_json(const struct step_publish *publishing)
{
	const struct publish_result *result = step_publish_result(publishing);

	app_print_json(jsonx_pack(
		"{s:s, s:s?, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "tag",
		step_publish_publication(publishing)->tag, "url", result->url, "dry_run",
		options.dry_run ? 1 : 0, "published", result->published ? 1 : 0, "was_there",
		result->was_there ? 1 : 0, "latest", result->latest ? 1 : 0, "immutable",
		result->immutable ? 1 : 0, "files",
		(json_int_t)step_publish_publication(publishing)->count, "uploaded",
		(json_int_t)result->uploaded, "kept", (json_int_t)result->kept, "removed",
		(json_int_t)result->removed, "bytes", (json_int_t)result->bytes, "requests",
		(json_int_t)result->requests));
}

static void
print_text(const struct step_publish *publishing)
{
	const struct publish_result *result = step_publish_result(publishing);
	const char *tag = step_publish_publication(publishing)->tag;
	auto_free char *bytes = format_bytes(result->bytes);

	if (options.dry_run && !result->was_there)
		(void)printf("%s would be published: %zu file%s to upload (%s), %zu unchanged, %zu "
			     "to remove\n",
			     tag, result->uploaded, plural(result->uploaded), bytes, result->kept,
			     result->removed);
	else if (result->was_there)
		(void)printf("%s is already published and identical: %zu file%s\n", tag,
			     result->kept, plural(result->kept));
	else
		(void)printf("%s is %s: %zu file%s uploaded (%s), %zu unchanged, %zu removed\n",
			     tag, result->published ? "published" : "complete as a draft",
			     result->uploaded, plural(result->uploaded), bytes, result->kept,
			     result->removed);
	if (result->latest)
		(void)printf("It is the latest release.\n");
	if (result->url != NULL && !(options.dry_run && !result->was_there)) {
		auto_free char *url = xstrdup(result->url);

		scrub_text(url);
		(void)printf("%s\n", url);
	}
}

/* What an earlier run has signed comes back, for 'sign' to judge. */
static int
run_adopt(const struct app *app, const struct release_info *info, struct error *err)
{
	int count = step_publish_adopt(&app->work, info, &options, NULL, err);

	if (count < 0)
		return -1;
	if (app->json)
		app_print_json(jsonx_pack("{s:i}", "adopted", count));
	else if (app->quiet)
		return 0;
	else if (count == 0)
		(void)printf("no signed files from an earlier run\n");
	else
		(void)printf("restored %d signed file%s from an earlier run\n", count,
			     plural((size_t)count));
	return 0;
}

static int
run_publish(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(release_info_clear) struct release_info info = RELEASE_INFO_INIT;
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	AUTO(step_publish_freep) struct step_publish *publishing = NULL;
	const char *body;

	if (read_target(app, argc, argv, err) < 0)
		return -1;
	if (workspace_load(&app->work, err) < 0 ||
	    release_info_load(&app->work, repo_path, &info, err) < 0)
		return -1;
	if (adopt)
		return run_adopt(app, &info, err);
	if (key_files_load(app->work.keys, NULL, &keyring, err) < 0 ||
	    step_publish_new(&app->work, &info, &keyring, &options, NULL, &publishing, err) < 0)
		return -1;
	body = step_publish_publication(publishing)->body;
	if (notes_path != NULL && write_file(notes_path, body, strlen(body), 0644, err) < 0)
		return -1;
	if (step_publish_prepare(publishing, err) < 0 ||
	    (!only_draft && step_publish_run(publishing, err) < 0))
		return -1;
	if (app->json)
		print_json(publishing);
	else if (!app->quiet)
		print_text(publishing);
	return 0;
}

static const struct option_spec publish_options_table[] = {
	{"target", '\0', "github|directory", OPTION_TEXT, &target,
	 "github (default), or directory to publish in DIR"},
	{"latest", '\0', "auto|yes|no", OPTION_TEXT, &latest,
	 "mark the release as latest; auto (default): unless\n"
	 "a newer version is the latest, or this is a release\n"
	 "candidate and the latest is not; yes and no also\n"
	 "work on a published release"},
	{"adopt", '\0', NULL, OPTION_FLAG | OPTION_HIDDEN, &adopt,
	 "before 'sign': copy files signed by an earlier run\n"
	 "into OUT/assets, so that the release stays the same"},
	{"draft", '\0', NULL, OPTION_FLAG, &only_draft, "stop before publishing"},
	{"template", '\0', "FILE", OPTION_TEXT, &options.template_path,
	 "text of the release page, with {{version}},\n"
	 "{{hosts}}, {{changes}}, {{verify}}, {{checksums}}"},
	{"notes", '\0', "FILE", OPTION_TEXT | OPTION_HIDDEN, &notes_path,
	 "also write the text of the release page to FILE"},
	{"pace", '\0', "MS", OPTION_NUMBER | OPTION_HIDDEN, &options.pace_ms,
	 "minimum time between two changes in milliseconds\n"
	 "(default 1000); 0: no limits, for servers without\n"
	 "any"},
	{"repo", '\0', "DIR", OPTION_TEXT, &repo_path, "git repository (default .)"},
	{"dry-run", '\0', NULL, OPTION_FLAG, &options.dry_run,
	 "check and compare everything, write nothing"},
	{.name = NULL},
};

const struct command cmd_publish = {
	.name = "publish",
	.args = "[DIR]",
	.summary = "publish the signed release on GitHub or in a directory",
	.description =
		"Verifies OUT/assets, finds or creates the draft release for the tag, uploads\n"
		"missing files, removes wrong ones, and compares the name, size and digest of\n"
		"every file. Then publishes the release and reads it back. If a run fails, run it\n"
		"again: it resumes. A release that is published and identical is success without\n"
		"any change; one that differs is refused, and the differences are shown.\n"
		"\n"
		"Needs the files of 'distributor sign' and the tag. On GitHub, GITHUB_TOKEN is\n"
		"required; GITHUB_REPOSITORY and GITHUB_API_URL are used as in Actions. With\n"
		"--target directory it writes DIR/TAG/, DIR/TAG.md and the link DIR/latest.\n",
	.examples =
		"  distributor lock && distributor publish --dry-run\n"
		"  distributor publish --matrix matrix/debian.json --target directory releases\n",
	.options = publish_options_table,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_KEYS | SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 1,
	.run = run_publish,
};
