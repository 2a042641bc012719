/* SPDX-License-Identifier: MIT */
#include "distributor/steps/release.h"
#include "base/alloc.h"
#include "base/file.h"
#include "distributor/cli/command.h"
#include "distributor/commands/key_options.h"
#include "distributor/commands/registry_options.h"
#include "distributor/commands/release_report.h"

#include <string.h>

extern const struct command cmd_release;

static struct release_run_options options = {
	.remote = "origin",
	.key = KEY_INPUT_INIT,
	.publish = PUBLISH_OPTIONS_DEFAULT,
	.push = STEP_PUSH_OPTIONS_DEFAULT,
};
static const char *target, *latest = "auto";

/* Naming a directory says enough. */
static int
read_target(const struct app *app, char **ret_default, struct error *err)
{
	if (target == NULL)
		target = options.directory != NULL ? "directory" : "github";
	if (strcmp(target, "github") == 0) {
		if (options.directory != NULL)
			return error_set(err, ERR_USAGE, "--directory requires --target directory");
		if (app->work.offline)
			return error_set(err, ERR_USAGE,
					 "--offline cannot be used with --target github");
		return 0;
	}
	if (strcmp(target, "directory") != 0)
		return error_set(err, ERR_USAGE, "--target takes github or directory, not '%s'",
				 target);
	if (options.directory == NULL)
		options.directory = *ret_default = path_join(app->work.out, "releases");
	return 0;
}

static int
run_release(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(release_run_freep) struct release_run *releasing = NULL;
	auto_free char *directory = NULL;
	int result;

	if (step_publish_read_words(&options.publish, latest, err) < 0 ||
	    read_target(app, &directory, err) < 0)
		return -1;
	options.version = argc == 1 ? argv[0] : NULL;
	releasing = release_run_new(&app->work, &options);
	result = release_run(releasing, err);
	release_summary_print(app, releasing, &options, result < 0 ? err : NULL);
	release_summary_add_markdown(releasing, result < 0 ? err : NULL);
	if (result < 0 && app->quiet && !app->json)
		release_run_explain(releasing, err);
	return result;
}

static const struct option_spec release_options[] = {
	{"target", '\0', "github|directory", OPTION_TEXT, &target,
	 "github (default), or directory to keep everything\n"
	 "on this machine"},
	{"directory", '\0', "DIR", OPTION_TEXT, &options.directory,
	 "directory to publish in (default OUT/releases)"},
	{"images", '\0', "REPOSITORY", OPTION_LIST, &options.image_repositories,
	 "push images to this repository instead of those in\n"
	 "the matrix; may be repeated"},
	{"dry-run", 'n', NULL, OPTION_FLAG, &options.dry_run,
	 "write everything in OUT, check and compare the\n"
	 "rest, publish nothing"},
	{"repo", '\0', "DIR", OPTION_TEXT, &options.repo_path,
	 "git repository of the tag (default .)"},
	{"remote", '\0', "REMOTE", OPTION_TEXT, &options.remote,
	 "remote to push the tag to (default origin)"},
	{"tagger", '\0', "WHO", OPTION_TEXT, &options.tagger,
	 "\"NAME <EMAIL>\" (default: user of git, or the\n"
	 "signer)"},
	{"latest", '\0', "auto|yes|no", OPTION_TEXT, &latest,
	 "mark the release as latest, see publish (default\n"
	 "auto)"},
	{"template", '\0', "FILE", OPTION_TEXT, &options.publish.template_path,
	 "text of the release page, see publish"},
	{"pace", '\0', "MS", OPTION_NUMBER | OPTION_HIDDEN, &options.publish.pace_ms,
	 "minimum time between two changes in milliseconds\n"
	 "(default 1000)"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &options.imaging.registrars,
	 "directory with register-HOST programs (default:\n"
	 "those of this build)"},
	REGISTRY_OPTIONS(options.push.access),
	KEY_INPUT_OPTIONS(options.key),
	{.name = NULL},
};

const struct command cmd_release = {
	.name = "release",
	.args = "[VERSION]",
	.summary = "run all steps of a release in order; safe to repeat",
	.description =
		"Checks the lock, fetches packages, builds tarballs and images, signs them,\n"
		"creates the tag or verifies the one that started this run, uploads a draft\n"
		"release, pushes images by digest and with version tags, publishes the draft,\n"
		"moves 'latest' and the other moving tags, and reads everything back. Results\n"
		"that exist with the right digest are kept, so a run that failed can simply be\n"
		"repeated. VERSION, if given, must be the version in the matrix.\n"
		"\n"
		"Needs a lock (run 'distributor lock'), a signing key and, for GitHub,\n"
		"GITHUB_TOKEN.\n"
		"\n"
		"With --target directory nothing outside this machine is needed: the release is\n"
		"written to OUT/releases and the images stay in OUT/images. Without a key, a\n"
		"throw-away key is generated, with a warning. Without a git repository, one is\n"
		"created in OUT/repository.git.\n",
	.examples =
		"  distributor release --target directory --matrix matrix/debian.json\n"
		"  distributor lock && distributor release --key ~/release.pem --dry-run\n"
		"  distributor lock && distributor release v10.2.2-1 --key-fd 3 3<release.pem\n",
	.options = release_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_CACHE | SHARED_KEYS |
		  SHARED_JOBS | SHARED_OFFLINE,
	.min_args = 0,
	.max_args = 1,
	.run = run_release,
};
