/* SPDX-License-Identifier: MIT */
#include "distributor/steps/release.h"
#include "base/alloc.h"
#include "base/file.h"
#include "distributor/cli/command.h"
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
			return error_set(err, ERR_USAGE, "--directory is for --target directory");
		if (app->offline)
			return error_set(err, ERR_USAGE, "--offline, but GitHub is on the network");
		return 0;
	}
	if (strcmp(target, "directory") != 0)
		return error_set(err, ERR_USAGE, "--target takes github or directory, not '%s'",
				 target);
	if (options.directory == NULL)
		options.directory = *ret_default = path_join(app->out, "releases");
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
	releasing = release_run_new(app, &options);
	result = release_run(releasing, err);
	release_summary_print(app, releasing, &options, result < 0 ? err : NULL);
	release_summary_add_markdown(releasing, result < 0 ? err : NULL);
	if (result < 0 && app->quiet && !app->json)
		release_run_explain(releasing, err);
	return result;
}

static const struct option_spec release_options[] = {
	{"target", '\0', "github|directory", OPTION_TEXT, &target,
	 "github (default), or directory: everything on this machine"},
	{"directory", '\0', "DIR", OPTION_TEXT, &options.directory,
	 "the directory (default OUT/releases)"},
	{"images", '\0', "REPOSITORY", OPTION_LIST, &options.image_repositories,
	 "push images there instead of where the matrix says; may\nbe repeated"},
	{"dry-run", 'n', NULL, OPTION_FLAG, &options.dry_run,
	 "make everything in OUT, ask and compare everything else,\nwrite nothing elsewhere"},
	{"repo", '\0', "DIR", OPTION_TEXT, &options.repo_path,
	 "the git repository of the tag (default .)"},
	{"remote", '\0', "REMOTE", OPTION_TEXT, &options.remote,
	 "where the tag is pushed (default origin)"},
	{"tagger", '\0', "WHO", OPTION_TEXT, &options.tagger,
	 "\"NAME <EMAIL>\" (default: git's user, else the signer)"},
	{"latest", '\0', "auto|yes|no", OPTION_TEXT, &latest,
	 "auto: unless a newer version is the latest, or this is a\nrelease candidate and the "
	 "latest is not (default); yes; no"},
	{"template", '\0', "FILE", OPTION_TEXT, &options.publish.template_path,
	 "the text of the release page, see publish"},
	{"pace", '\0', "MS", OPTION_NUMBER, &options.publish.pace_ms,
	 "least time between two changes (default 1000)"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &options.imaging.registrars,
	 "programs register-HOST (default: those of this build)"},
	{"auth-file", '\0', "FILE", OPTION_TEXT, &options.push.auth_file,
	 "credentials of registries, see push"},
	{"ca", '\0', "FILE", OPTION_TEXT, &options.push.ca_file,
	 "certificates of registries to trust instead of the system's"},
	{"plain-http", '\0', NULL, OPTION_FLAG, &options.push.plain_http,
	 "talk http:// also to registries on other machines"},
	{"token-server", '\0', "SERVER", OPTION_LIST, &options.push.token_servers,
	 "see push; may be repeated"},
	{"connections", '\0', "N", OPTION_NUMBER, &options.push.connections,
	 "requests to a registry at the same time (default 6)"},
	KEY_INPUT_OPTIONS(options.key),
	{.name = NULL},
};

const struct command cmd_release = {
	.name = "release",
	.args = "[VERSION]",
	.summary = "all of it, in order; run it again after any failure",
	.description =
		"Checks the lock, fetches packages, makes tarballs and images, signs, makes the\n"
		"tag or verifies the one that started this run, completes a draft release,\n"
		"pushes images by digest and under tags of the version, publishes the draft,\n"
		"moves 'latest' and the other moving tags, and reads it all back. What is there\n"
		"with the right digest is not done again. VERSION has to be the matrix' own.\n"
		"\n"
		"With --target directory nothing but this machine is needed: the release goes\n"
		"to OUT/releases, the images stay in OUT/images; where there is no key a\n"
		"throw-away one is made and said, where there is no git repository one is made\n"
		"in OUT/repository.git.\n",
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
