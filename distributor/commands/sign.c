/* SPDX-License-Identifier: MIT */
#include "distributor/steps/sign.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/commands/key_options.h"
#include "distributor/steps/sign_images.h"
#include "distributor/workspace/key_files.h"
#include "distributor/workspace/out_claim.h"

#include <jansson.h>
#include <stdio.h>

static struct key_input source = KEY_INPUT_INIT;
static const char *repo_path = ".";

static void
print_result(const struct app *app, const struct release_info *info,
	     const struct step_sign_result *result, const struct step_sign_images_result *images,
	     const char *fingerprint)
{
	char sums[DIGEST_HEX_SIZE];

	digest_hex(&result->sums, sums);
	if (app->json) {
		app_print_json(jsonx_pack(
			"{s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s}", "name", info->matrix->name,
			"tag", info->tag, "assets", (json_int_t)result->assets, "written",
			(json_int_t)result->written, "images", (json_int_t)images->images,
			"images_signed", (json_int_t)images->written, "sums_sha256", sums, "key",
			fingerprint));
		return;
	}
	if (app->quiet)
		return;
	if (result->written == 0)
		(void)printf("%s %s: %zu asset%s, already signed\n", info->matrix->name, info->tag,
			     result->assets, plural(result->assets));
	else
		(void)printf("%s %s: %zu asset%s signed by %s\n", info->matrix->name, info->tag,
			     result->assets, plural(result->assets),
			     fingerprint[0] != '\0' ? fingerprint : "an earlier run");
	(void)printf("SHA256SUMS: %s\n", sums);
	if (images->images != 0)
		(void)printf("images and indexes: %zu, %zu newly signed\n", images->images,
			     images->written);
}

static int
run_sign(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(release_info_clear) struct release_info info = RELEASE_INFO_INIT;
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	AUTO(lazy_signer_clear) struct lazy_signer lazy = LAZY_SIGNER_INIT(&keyring, &source);
	struct step_sign_images_result images = {0, 0};
	struct step_sign_result result;
	auto_close int lock = -1;

	(void)argc;
	(void)argv;
	/* The tag that started this run is looked at before anything secret is. */
	if (workspace_load(&app->work, err) < 0 ||
	    release_info_load(&app->work, repo_path, &info, err) < 0 ||
	    release_info_check_trigger(&info, app->work.keys, err) < 0)
		return -1;
	lock = out_claim(app->work.out, true, err);
	if (lock < 0 || release_info_load_assets(&app->work, &info, err) < 0 ||
	    key_files_load(app->work.keys, NULL, &keyring, err) < 0 ||
	    step_sign(&app->work, &info, &lazy, &result, err) < 0 ||
	    (info.image_count != 0 &&
	     step_sign_images(&app->work, &info.image_repositories, info.assets.source_date_epoch,
			      &lazy, &images, err) < 0))
		return -1;
	print_result(app, &info, &result, &images, lazy.fingerprint);
	return 0;
}

static const struct option_spec sign_options[] = {
	KEY_INPUT_OPTIONS(source),
	{"repo", '\0', "DIR", OPTION_TEXT, &repo_path, "git repository (default .)"},
	{.name = NULL},
};

const struct command cmd_sign = {
	.name = "sign",
	.args = "",
	.summary = "write checksums, signatures, provenance and SBOM",
	.description =
		"Adds to OUT/assets: SHA256SUMS with signatures for ssh-keygen and minisign,\n"
		"provenance.sigstore.json for cosign, NAME-VERSION.spdx.json,\n"
		"NAME-VERSION.sources.json and NAME-VERSION.release.json. Images in OUT/images\n"
		"are signed for cosign, podman and skopeo, for each repository in the matrix.\n"
		"\n"
		"Needs a signing key whose public key is in allowed_signers in the directory of\n"
		"--keys; 'distributor keygen' creates both. Files that are up to date are kept;\n"
		"the key is read only if something has to be signed.\n",
	.examples = "  distributor sign --matrix matrix/debian.json --key ~/release.pem\n"
		    "  distributor sign --matrix matrix/debian.json --key-fd 3 3<release.pem\n",
	.options = sign_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_KEYS,
	.min_args = 0,
	.max_args = 0,
	.run = run_sign,
};
