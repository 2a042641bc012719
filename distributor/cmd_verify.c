#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/image_verify.h"
#include "distributor/key_files.h"
#include "distributor/release_url.h"
#include "distributor/table.h"
#include "publish/git_tag.h"
#include "sign/verify.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *tag, *repo_path, *root_fingerprint;
static struct text_list image_names;
static struct image_verify_options image_options;

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

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

		if (strcmp(other, directory) != 0)
			return error_set(err, ERR_USAGE,
					 "'%s' and '%s' are not in one directory with their "
					 "SHA256SUMS",
					 argv[0], argv[i]);
		if (access(argv[i], F_OK) != 0 && errno == ENOENT)
			return error_set(err, ERR_INPUT, "there is no '%s'", argv[i]);
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
	AUTO(release_url_freep) struct release_url *url = NULL;
	struct verify_files files;

	if (release_url_open(base, app->offline, &url, err) < 0)
		return -1;
	files = release_url_files(url);
	verify_release(&files, request, report);
	return 0;
}

/* What other commands take as --out, and its assets are signed. */
static bool
is_out_directory(const char *path)
{
	auto_free char *sums = path_join(path, SUMS_NAME);
	auto_free char *assets = path_join(path, "assets/" SUMS_NAME);

	return access(sums, F_OK) != 0 && access(assets, F_OK) == 0;
}

/* The directory of --keys, where it lies among the files, to be freed by the caller; or NULL. */
static char *
keys_among(const struct app *app, const char *directory)
{
	auto_free char *keys = realpath(app->keys, NULL), *files = realpath(directory, NULL);
	auto_free char *parent = keys != NULL ? path_directory(keys) : NULL;

	if (parent == NULL || files == NULL || strcmp(parent, files) != 0)
		return NULL;
	return xstrdup(path_base(keys));
}

static int
verify_operands(const struct app *app, int argc, char **argv, struct verify_request *request,
		struct verify_report *report, struct error *err)
{
	auto_free char *keys = NULL;
	struct verify_files files;

	if (argc == 1 && strstr(argv[0], "://") != NULL)
		return verify_url(app, argv[0], request, report, err);
	if (argc != 1 || !is_directory(argv[0]))
		return verify_files_named(argc, argv, request, report, err);
	if (is_out_directory(argv[0]))
		return error_set(err, ERR_INPUT,
				 "'%s' has no " SUMS_NAME "; the release is in '%s/assets'",
				 argv[0], argv[0]);
	keys = keys_among(app, argv[0]);
	request->keys_name = keys;
	files = verify_directory(argv[0]);
	verify_release(&files, request, report);
	return 0;
}

/* The tag binds the release's SHA256SUMS if it was made after them. */
static void
compare_sums(const char *directory, const struct digest *wanted, struct verify_report *report)
{
	auto_free char *path = path_join(directory, SUMS_NAME);
	char got[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];
	struct error err = ERROR_INIT;
	struct digest digest;

	if (digest_is_zero(wanted) || !is_directory(directory))
		return;
	if (digest_file(path, &digest, NULL, &err) < 0)
		verify_fail(report, "tag", &err);
	else if (!digest_equal(&digest, wanted))
		verify_note(report, "tag", VERIFY_FAILED,
			    "the tag is of another SHA256SUMS: %s, not %s",
			    digest_hex(wanted, want), digest_hex(&digest, got));
	else
		verify_note(report, "tag", VERIFY_OK, "the tag names these files");
}

static int
verify_repo_tag(const char *name, const struct keyring *keyring, const char *directory,
		struct verify_report *report, struct error *err)
{
	AUTO(repo_freep) struct repo *repo = NULL;
	auto_free char *text = NULL;
	char id[REPO_ID_SIZE];
	struct digest sums;
	size_t length;

	if (repo_open(repo_path != NULL ? repo_path : ".", &repo, err) < 0)
		return -1;
	if (repo_tag_read(repo, name, &text, &length, id, err) < 0) {
		verify_fail(report, "tag", err);
		return 0;
	}
	verify_tag(name, text, length, keyring, NULL, report, &sums);
	if (directory != NULL)
		compare_sums(directory, &sums, report);
	return 0;
}

/* One image that cannot be looked at does not keep the others, or the files, from it. */
static int
verify_images(const struct keyring *keyring, struct verify_report *report, struct error *err)
{
	for (size_t i = 0; i < image_names.count; i++) {
		if (image_verify(image_names.items[i], &image_options, keyring, report, err) == 0)
			continue;
		if (err->code != ERR_NETWORK && err->code != ERR_REMOTE && err->code != ERR_VERIFY)
			return -1;
		verify_fail(report, "image", err);
	}
	return 0;
}

static void
print_json(const struct verify_report *report)
{
	static const char *const words[] = {"ok", "failed", "skipped"};
	json_t *checks = json_array();

	for (size_t i = 0; i < report->count; i++)
		jsonx_append(checks, jsonx_pack("{s:s, s:s, s:s}", "check", report->rows[i].check,
						"status", words[report->rows[i].status], "detail",
						report->rows[i].sentence));
	app_print_json(jsonx_pack("{s:b, s:s?, s:o}", "verified", report->failed == 0 ? 1 : 0,
				  "tag", report->tag, "checks", checks));
}

static void
print_table(const struct app *app, const struct verify_report *report)
{
	static const char *const headers[] = {"check", "", "what was found"};
	static const char *const words[] = {"ok", "FAILED", "-"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));

	if (app->quiet && report->failed == 0)
		return;
	for (size_t i = 0; i < report->count; i++) {
		if (app->quiet && report->rows[i].status != VERIFY_FAILED)
			continue;
		table_add(table, report->rows[i].check);
		table_add(table, words[report->rows[i].status]);
		table_add(table, report->rows[i].sentence);
	}
	table_print(table, TABLE_TEXT);
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

/* One failure names itself, several are counted. */
static int
conclude(const struct app *app, const struct verify_report *report, bool directory,
	 struct error *err)
{
	if (app->json)
		print_json(report);
	else
		print_table(app, report);
	if (verify_report_conclude(report, err) == 0)
		return 0;
	if (report->failed == 1)
		return error_prefix(err, "not verified");
	return error_set(err, err->code, "not verified: %zu checks failed%s", report->failed,
			 directory && missing_files(report) > 1
				 ? "; to check only the files that you have, name them: "
				   "distributor verify FILE..."
				 : "");
}

static int
run_verify(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(verify_report_release) struct verify_report report = VERIFY_REPORT_INIT;
	AUTO(keyring_release) struct keyring keyring = KEYRING_INIT;
	struct verify_request request = {.keyring = &keyring, .tag = tag};
	bool with_repo = repo_path != NULL || (argc == 0 && image_names.count == 0);
	struct progress_task *task;
	int result = 0;

	if (argc == 0 && tag == NULL && image_names.count == 0)
		return error_set(err, ERR_USAGE,
				 "name a directory, files or a URL, or --tag TAG, or --image NAME");
	if (tag != NULL && isdigit((unsigned char)tag[0]) != 0)
		return error_set(err, ERR_USAGE,
				 "the tag of a release begins with a 'v': --tag v%s", tag);
	if (image_names.count != 0 && app->offline)
		return error_set(err, ERR_USAGE, "--offline and --image contradict each other");
	if (key_files_load(app->keys, root_fingerprint, &keyring, err) < 0)
		return -1;
	if (keyring.root != NULL)
		verify_note(&report, "keys", VERIFY_OK, "the list of keys is signed by root key %s",
			    keyring.root);
	task = progress_start(app->progress, "verifying", PROGRESS_ITEMS, 0);
	request.progress = task;
	if (argc != 0)
		result = verify_operands(app, argc, argv, &request, &report, err);
	if (result == 0)
		result = verify_images(&keyring, &report, err);
	progress_done(task, NULL);
	if (result < 0)
		return -1;
	if (with_repo && tag == NULL && report.tag == NULL)
		verify_note(&report, "tag", VERIFY_FAILED,
			    "nothing that is signed says which tag to look at; give --tag");
	else if (with_repo && verify_repo_tag(tag != NULL ? tag : report.tag, &keyring,
					      argc == 1 ? argv[0] : NULL, &report, err) < 0)
		return -1;
	return conclude(app, &report, argc == 1 && is_directory(argv[0]), err);
}

static const struct option_spec verify_options[] = {
	{"tag", '\0', "TAG", OPTION_TEXT, &tag,
	 "what it has to be, \"v10.2.2-1\": refuses an older release\nunder a new name"},
	{"repo", '\0', "DIR", OPTION_TEXT, &repo_path,
	 "also verify the tag in this git repository"},
	{"root", '\0', "FINGERPRINT", OPTION_TEXT, &root_fingerprint,
	 "the root key that has to have signed the list of keys"},
	{"image", '\0', "NAME", OPTION_LIST, &image_names,
	 "an image in a registry, REGISTRY/PATH:TAG or\nREGISTRY/PATH@sha256:DIGEST; may be "
	 "repeated"},
	{"signed-as", '\0', "REPOSITORY", OPTION_TEXT, &image_options.signed_as,
	 "where the image was published, if NAME is a mirror of it"},
	{"auth-file", '\0', "FILE", OPTION_TEXT, &image_options.auth_file,
	 "credentials for the registry, as for push"},
	{"ca", '\0', "FILE", OPTION_TEXT, &image_options.ca_file,
	 "certificates that the registry is trusted by"},
	{"token-server", '\0', "SERVER", OPTION_LIST, &image_options.token_servers,
	 "a host that may see the credentials, as for push; may be\nrepeated"},
	{"plain-http", '\0', NULL, OPTION_FLAG, &image_options.plain_http,
	 "talk http:// to the registry"},
	{.name = NULL},
};

const struct command cmd_verify = {
	.name = "verify",
	.args = "[DIR | FILE... | URL]",
	.summary = "check a release against the public keys",
	.description =
		"Checks a directory with the files of a release, a base URL (https or file) that\n"
		"serves them, or single files beside their SHA256SUMS: both signatures, every\n"
		"digest, that no file is missing or foreign, that names, version and content\n"
		"belong together, and the provenance. With --tag and no operand, the tag in the\n"
		"repository here. With --image, an image in a registry and each image in its\n"
		"index: signed by these keys, under this name. Needs no network but for a URL or\n"
		"an image. With --quiet only what failed is printed.\n",
	.examples = "  distributor verify --keys keys --tag v10.2.2-1 release/\n"
		    "  distributor verify x86_64_qemu-aarch64-static.tar.gz\n"
		    "  distributor verify --tag v10.2.2-1 --repo .\n"
		    "  distributor verify --image ghcr.io/owner/qemu-user-static:latest\n",
	.options = verify_options,
	.shared = SHARED_KEYS | SHARED_OFFLINE,
	.min_args = 0,
	.max_args = -1,
	.run = run_verify,
};
