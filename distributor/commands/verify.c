/* SPDX-License-Identifier: MIT */
#include "distributor/verify/verify.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/cli/command.h"
#include "distributor/commands/registry_options.h"
#include "distributor/commands/verify_report.h"
#include "distributor/documents/release.h"
#include "distributor/verify/image.h"
#include "distributor/verify/remote.h"
#include "distributor/verify/trust.h"
#include "distributor/workspace/key_files.h"
#include "distributor/workspace/version.h"
#include "net/url.h"
#include "publish/git/git_tag.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *tag;
static struct verify_trust trust;
static struct text_list image_names;
static struct image_verify_options image_options;

/* Single files, all in one directory, beside the SHA256SUMS that they are checked with. */
static int
verify_files_named(int argc, char **argv, struct verify_request *request,
		   struct verify_report *report, struct error *err)
{
	auto_free char *directory = path_directory(argv[0]);
	auto_free const char **names = xcalloc((size_t)argc, sizeof(*names));
	struct verify_files files;

	for (int i = 0; i < argc; i++) {
		auto_free char *other = path_directory(argv[i]);
		bool there;

		if (strcmp(other, directory) != 0)
			return error_set(err, ERR_USAGE,
					 "'%s' and '%s' are not in the same directory, next to "
					 "their SHA256SUMS",
					 argv[0], argv[i]);
		if (path_exists(argv[i], &there, err) < 0)
			return -1;
		if (!there)
			return error_set(err, ERR_INPUT, "'%s' does not exist", argv[i]);
		names[i] = path_base(argv[i]);
	}
	files = verify_directory(directory);
	request->only = names;
	request->only_count = (size_t)argc;
	verify_release(&files, request, report);
	return 0;
}

static int
verify_url(const struct app *app, const char *base, const struct verify_request *request,
	   struct verify_report *report, struct error *err)
{
	AUTO(remote_release_freep) struct remote_release *url = NULL;
	struct verify_files files;

	if (remote_release_open(base, app->work.offline, &url, err) < 0)
		return -1;
	files = remote_release_files(url);
	verify_release(&files, request, report);
	return 0;
}

/* What other commands take as --out, and its assets are signed. */
static int
is_out_directory(const char *path, bool *ret_out, struct error *err)
{
	auto_free char *sums = path_join(path, SUMS_NAME);
	auto_free char *assets = path_join(path, "assets/" SUMS_NAME);

	bool has_sums, has_assets;

	if (path_exists(sums, &has_sums, err) < 0 || path_exists(assets, &has_assets, err) < 0)
		return -1;
	*ret_out = !has_sums && has_assets;
	return 0;
}

/* Where the operands lie on this machine, to be freed by the caller; NULL for a web server. */
static char *
place_of(int argc, char **argv, bool directory)
{
	if (argc == 0)
		return NULL;
	if (strstr(argv[0], "://") != NULL)
		return http_url_file(argv[0]);
	return directory ? xstrdup(argv[0]) : path_directory(argv[0]);
}

static int
verify_operands(const struct app *app, int argc, char **argv, struct verify_request *request,
		struct verify_report *report, struct error *err)
{
	bool url = argc == 1 && strstr(argv[0], "://") != NULL, directory = false, is_out = false;
	auto_free char *place = NULL, *keys = NULL;
	struct verify_files files;

	if (argc == 1 && !url && path_is_directory(argv[0], &directory, err) < 0)
		return -1;
	place = place_of(argc, argv, directory);
	if (place != NULL && verify_trust_among(request->keyring, place, report, &keys, err) < 0)
		return -1;
	request->keys_name = keys;
	if (url)
		return verify_url(app, argv[0], request, report, err);
	if (!directory)
		return verify_files_named(argc, argv, request, report, err);
	if (is_out_directory(argv[0], &is_out, err) < 0)
		return -1;
	if (is_out)
		return error_set(err, ERR_INPUT,
				 "'%s' has no " SUMS_NAME "; the release is in '%s/assets'",
				 argv[0], argv[0]);
	files = verify_directory(argv[0]);
	verify_release(&files, request, report);
	return 0;
}

/*
 * The tag binds the release's SHA256SUMS if it was made after them. What is compared is the list
 * whose signatures were good, wherever it was read.
 */
static void
compare_sums(bool with_files, const struct digest *wanted, struct verify_report *report)
{
	char got[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];

	if (digest_is_zero(wanted))
		verify_note(report, "tag", VERIFY_SKIPPED,
			    "the tag does not name a SHA256SUMS and covers no files");
	else if (!with_files)
		verify_note(report, "tag", VERIFY_SKIPPED,
			    "the SHA256SUMS named by the tag was not compared: no files given");
	else if (digest_is_zero(&report->sums))
		verify_note(report, "tag", VERIFY_SKIPPED,
			    "the SHA256SUMS named by the tag was not compared: the signature of "
			    "SHA256SUMS is not valid");
	else if (!digest_equal(&report->sums, wanted))
		verify_note(report, "tag", VERIFY_FAILED,
			    "the tag names SHA256SUMS %s, which does not match %s",
			    digest_hex(wanted, want), digest_hex(&report->sums, got));
	else
		verify_note(report, "tag", VERIFY_OK, "the tag names this SHA256SUMS");
}

static int
verify_repo_tag(const char *name, const struct keyring *keyring, bool with_files,
		struct verify_report *report, struct error *err)
{
	AUTO(repo_freep) struct repo *repo = NULL;
	auto_free char *text = NULL;
	size_t length, failed = report->failed;
	char id[REPO_ID_SIZE];
	struct digest sums;

	if (repo_open(trust.repo != NULL ? trust.repo : ".", &repo, err) < 0)
		return -1;
	if (repo_tag_read(repo, name, &text, &length, id, err) < 0) {
		/* A tag that cannot be read here says nothing about the release. */
		if (err->code == ERR_IO)
			return -1;
		verify_fail(report, "tag", err);
		return 0;
	}
	verify_tag(name, text, length, keyring, NULL, report, &sums);
	if (report->failed == failed)
		compare_sums(with_files, &sums, report);
	return 0;
}

/* What has failed before it is why, and decides about the exit status. */
static void
fail_nameless_tag(struct verify_report *report)
{
	struct error why = ERROR_INIT;
	enum error_code code = ERR_VERIFY;

	if (verify_report_conclude(report, &why) < 0)
		code = why.code;
	error_set(&why, code, "no signed file names the tag to verify; use --tag");
	verify_fail(report, "tag", &why);
}

/* The tag that was named, or that the files say they are of. */
static int
verify_tag_of(int argc, const struct keyring *keyring, struct verify_report *report,
	      struct error *err)
{
	const char *name = tag != NULL ? tag : report->tag;

	if (trust.repo == NULL && (argc != 0 || image_names.count != 0))
		return 0;
	if (name != NULL)
		return verify_repo_tag(name, keyring, argc != 0, report, err);
	if (argc != 0)
		fail_nameless_tag(report);
	else
		verify_note(report, "tag", VERIFY_SKIPPED,
			    "no tag was verified: images do not name one; use --tag");
	return 0;
}

/* One image that cannot be looked at does not keep the others, or the files, from it. */
static int
verify_images(const struct keyring *keyring, struct verify_report *report, struct error *err)
{
	image_options.tag = tag;
	for (size_t i = 0; i < image_names.count; i++) {
		if (image_verify(image_names.items[i], &image_options, keyring, report, err) == 0)
			continue;
		if (err->code != ERR_NETWORK && err->code != ERR_REMOTE &&
		    err->code != ERR_DENIED && err->code != ERR_VERIFY)
			return -1;
		verify_fail(report, "image", err);
	}
	return 0;
}

/* Who downloads a few files of a release may not know that they have to be named. */
static size_t
missing_files(const struct verify_report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->rows[i].status == VERIFY_FAILED &&
			 report->rows[i].code == ERR_NOT_FOUND;
	return count;
}

/* What the last sentence is about: a release, else what was named. To be freed by the caller. */
static char *
subject_of(int argc, char **argv, const struct verify_report *report)
{
	const char *name = argc != 0                ? argv[0]
			   : image_names.count != 0 ? image_names.items[0]
						    : tag;
	size_t count = argc != 0 ? (size_t)argc : image_names.count;

	if (argc != 0 && report->tag != NULL)
		return xstrdup(report->tag);
	if (count > 1)
		return xasprintf("each of %zu %s", count, argc != 0 ? "files" : "images");
	return xasprintf("%s", name);
}

/* What a verifier of another version should know beside the result. */
static void
tell_maker(const struct verify_report *report)
{
	auto_free char *here = tool_text(version_tool());

	if (report->made_by != NULL && strcmp(report->made_by, here) != 0)
		log_info("%s was built by a different version: distributor %s; this is %s",
			 report->tag, report->made_by, here);
	if (report->format > RELEASE_FORMAT)
		log_warning("release.json of %s has format %llu, and this version knows %d and "
			    "earlier ones: a newer distributor may verify more",
			    report->tag, (unsigned long long)report->format, RELEASE_FORMAT);
}

/* One failure names itself, several are counted. */
static int
conclude(const struct app *app, const struct verify_report *report, const struct keyring *keyring,
	 int argc, char **argv, struct error *err)
{
	auto_free char *subject = NULL;
	struct error ignored = ERROR_INIT;
	bool directory = false;

	tell_maker(report);
	if (app->json)
		verify_output_json(report, keyring);
	else
		verify_output_table(report, app->quiet);
	if (verify_report_conclude(report, err) == 0) {
		subject = subject_of(argc, argv, report);
		if (!app->json && !app->quiet)
			verify_output_sentence(report, keyring, subject);
		return 0;
	}
	if (report->failed == 1)
		return error_prefix(err, "not verified");
	if (argc == 1 && path_is_directory(argv[0], &directory, &ignored) < 0)
		directory = false; /* only for advice */
	return error_set(err, err->code, "not verified: %zu checks failed%s", report->failed,
			 directory && missing_files(report) > 1
				 ? "; to check only the files that you have, name them: "
				   "distributor verify --keys DIR FILE..."
				 : "");
}

/* What cannot be meant: an option that nothing would look at is not passed over. */
static int
check_usage(const struct app *app, int argc, char **argv, struct error *err)
{
	const struct {
		bool given;
		const char *name;
	} of_images[] = {
		{image_options.signed_as != NULL, "signed-as"},
		{image_options.access.auth_file != NULL, "auth-file"},
		{image_options.access.ca_file != NULL, "ca"},
		{image_options.access.token_servers.count != 0, "token-server"},
		{image_options.access.plain_http, "plain-http"},
		{image_options.anonymous, "anonymous"},
	};

	if (argc == 0 && tag == NULL && image_names.count == 0)
		return error_set(err, ERR_USAGE,
				 "nothing to verify; give a directory, files, a URL, --tag TAG or "
				 "--image NAME");
	if (argc == 1 && strstr(argv[0], "://") != NULL &&
	    strstr(argv[0], "/releases/tag/") != NULL)
		return error_set(err, ERR_USAGE,
				 "'%s' is the page of a release; its files are under "
				 ".../releases/download/%s",
				 argv[0], path_base(argv[0]));
	if (tag != NULL && isdigit((unsigned char)tag[0]) != 0)
		return error_set(err, ERR_USAGE, "release tags begin with 'v'; use --tag v%s", tag);
	if (image_names.count != 0 && app->work.offline)
		return error_set(err, ERR_USAGE, "--offline cannot be used with --image");
	for (size_t i = 0; i < ARRAY_SIZE(of_images) && image_names.count == 0; i++)
		if (of_images[i].given)
			return error_set(err, ERR_USAGE, "--%s requires --image NAME",
					 of_images[i].name);
	return 0;
}

static int
run_verify(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	struct verify_request request = {.keyring = &keyring, .tag = tag};
	struct progress_task *task;
	int result = 0;

	if (check_usage(app, argc, argv, err) < 0 || verify_trust_load(&trust, &keyring, err) < 0)
		return -1;
	verify_trust_note(&keyring, &report);
	task = progress_start(app->work.progress, "verifying", PROGRESS_ITEMS, 0);
	request.progress = task;
	if (argc != 0)
		result = verify_operands(app, argc, argv, &request, &report, err);
	if (result == 0)
		result = verify_images(&keyring, &report, err);
	progress_done(task, NULL);
	if (result < 0 || verify_tag_of(argc, &keyring, &report, err) < 0)
		return -1;
	return conclude(app, &report, &keyring, argc, argv, err);
}

static const struct option_spec verify_options[] = {
	{"tag", '\0', "TAG", OPTION_TEXT, &tag,
	 "require this tag, such as \"v10.2.2-1\"; rejects an\n"
	 "older release offered under a new name"},
	{"keys", '\0', "DIR", OPTION_TEXT, &trust.keys,
	 "trusted public keys: take them from the project's\n"
	 "repository, not from its releases"},
	{"root", '\0', "FINGERPRINT", OPTION_TEXT, &trust.root,
	 "root key that must have signed the lists of keys"},
	{"repo", '\0', "DIR", OPTION_TEXT, &trust.repo,
	 "also verify the tag in this clone; without --keys,\n"
	 "the keys/ in it are trusted"},
	{"image", '\0', "NAME", OPTION_LIST, &image_names,
	 "image in a registry, REGISTRY/PATH:TAG or\n"
	 "REGISTRY/PATH@sha256:DIGEST; may be repeated"},
	{"signed-as", '\0', "REPOSITORY", OPTION_TEXT, &image_options.signed_as,
	 "original repository of the image, if NAME is a\n"
	 "mirror"},
	REGISTRY_OPTIONS(image_options.access),
	{"anonymous", '\0', NULL, OPTION_FLAG, &image_options.anonymous,
	 "do not log in to the registry"},
	{.name = NULL},
};

const struct command cmd_verify = {
	.name = "verify",
	.args = "[DIR | FILE... | URL]",
	.summary = "verify a release, a tag or images with the public keys",
	.description =
		"Verifies a directory with the files of a release, a base URL (https or file), or\n"
		"single files next to their SHA256SUMS: both signatures, every digest, that no\n"
		"file is missing or unexpected, that names, version and content match, and the\n"
		"provenance. With --tag and without arguments, verifies the tag in the local\n"
		"repository. With --image, verifies an image in a registry and each image in its\n"
		"index: signed by these keys under this name. The network is used only for URLs\n"
		"and images. With --quiet only failures are printed.\n"
		"\n"
		"Trusted keys must be given with --keys or --repo, since keys found next to a\n"
		"release may have come with it. Get them from a clone of the project's\n"
		"repository. With --root, a list of keys is trusted only if that root key has\n"
		"signed it.\n",
	.examples =
		"  distributor verify --keys repository/keys --tag v10.2.2-1 release/\n"
		"  distributor verify --keys repository/keys qemu-aarch64-static.tar.gz\n"
		"  distributor verify --tag v10.2.2-1 --repo .\n"
		"  distributor verify --keys keys --image ghcr.io/owner/qemu-user-static:latest\n",
	.options = verify_options,
	.shared = SHARED_OFFLINE,
	.min_args = 0,
	.max_args = -1,
	.run = run_verify,
};
