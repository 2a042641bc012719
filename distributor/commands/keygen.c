/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "distributor/cli/command.h"
#include "distributor/steps/key_input.h"
#include "distributor/workspace/key_files.h"
#include "sign/check/keyring.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct key_input source = KEY_INPUT_INIT;
static const char *principal = "release@localhost";
static bool is_root, no_passphrase;

static int
write_secret(const struct app *app, const struct signing_key *key, const char *path,
	     struct error *err)
{
	AUTO(secret_clear) struct secret passphrase = SECRET_INIT, text = SECRET_INIT;

	if (!no_passphrase && key_input_new_passphrase(&source, &passphrase, err) < 0)
		return -1;
	if (signing_key_format(key, SIGNING_KEY_PEM, no_passphrase ? NULL : &passphrase, &text,
			       err) < 0)
		return -1;
	/* What cannot be published must not leave a key without a public part. */
	if (key_files_prepare(app->work.keys, err) < 0)
		return -1;
	return signing_key_write(path, &text, err);
}

static void
print_result(const struct app *app, const char *path, const struct public_key *key, bool has_root)
{
	char fingerprint[FINGERPRINT_SIZE];

	public_key_fingerprint(key, fingerprint);
	if (app->json) {
		app_print_json(jsonx_pack("{s:s, s:s, s:s, s:s, s:b}", "key", path, "keys",
					  app->work.keys, "fingerprint", fingerprint, "principal",
					  principal, "root", is_root ? 1 : 0));
		return;
	}
	if (!app->quiet)
		(void)printf("256 %s %s (ED25519)\n", fingerprint, principal);
	log_info("secret key saved to '%s'; do not commit it", path);
	log_info("public key saved to '%s'; commit it and publish the fingerprint", app->work.keys);
	if (is_root)
		log_info("keep the root key offline; sign the lists with: distributor key "
			 "--endorse --key %s",
			 path);
	else if (has_root)
		log_info("next, sign both lists with the root key: distributor key --endorse --key "
			 "ROOT.pem; until then '%s' is refused",
			 app->work.keys);
}

/*
 * A run that was cut short has left its key, which nobody knows yet: then this run goes on from
 * there. A key that is listed, or revoked, was made by a run that was done.
 */
static int
take_existing(const struct app *app, const char *path, struct signing_key **ret_key,
	      struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	struct key_input existing = {path, KEY_NO_FD, source.passphrase_fd};
	bool listed;

	if (key_input_read(&existing, &key, err) < 0)
		return error_prefix(err,
				    "'%s' exists and is not overwritten; choose another name. "
				    "Reading it as an unpublished key failed",
				    path);
	if (key_files_have(app->work.keys, signing_key_public(key), is_root, &listed, err) < 0)
		return -1;
	if (listed)
		return error_set(err, ERR_INPUT,
				 "'%s' exists and is not overwritten; choose another name", path);
	log_info("'%s' exists and '%s' does not list its key yet: publishing that key", path,
		 app->work.keys);
	*ret_key = TAKE(key);
	return 0;
}

static int
make_new_key(const struct app *app, const char *path, struct signing_key **ret_key,
	     struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;

	if (signing_key_generate(&key, err) < 0 || write_secret(app, key, path, err) < 0)
		return -1;
	*ret_key = TAKE(key);
	return 0;
}

static int
run_keygen(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	const char *path = argv[0];
	bool there, has_root;

	(void)argc;
	if (no_passphrase && source.passphrase_fd != KEY_NO_FD)
		return error_set(err, ERR_USAGE,
				 "--no-passphrase cannot be used with --passphrase-fd");
	if (keyring_check_principal(principal, err) < 0)
		return -1;
	if (key_files_have_root(app->work.keys, &has_root, err) < 0 ||
	    path_exists(path, &there, err) < 0 ||
	    (there ? take_existing(app, path, &key, err) : make_new_key(app, path, &key, err)) < 0)
		return -1;
	if (key_files_write(app->work.keys, signing_key_public(key), principal, is_root, err) < 0)
		return error_prefix(err,
				    "secret key saved to '%s', but its public key was not saved; "
				    "run the same command again",
				    path);
	print_result(app, path, signing_key_public(key), has_root);
	return 0;
}

static const struct option_spec keygen_options[] = {
	{"principal", '\0', "NAME", OPTION_TEXT, &principal,
	 "name of the signer, as shown to verifiers (default\n"
	 "release@localhost)"},
	{"root", '\0', NULL, OPTION_FLAG, &is_root,
	 "generate a root key, which signs only the lists of\n"
	 "keys"},
	{"no-passphrase", '\0', NULL, OPTION_FLAG, &no_passphrase,
	 "do not encrypt the file; for a secret store"},
	{"passphrase-fd", '\0', "N", OPTION_NUMBER, &source.passphrase_fd,
	 "read the passphrase from this file descriptor\n(default: from the "
	 "variable\n" PASSPHRASE_VARIABLE ", or ask)"},
	{.name = NULL},
};

const struct command cmd_keygen = {
	.name = "keygen",
	.args = "FILE",
	.summary = "generate a signing key",
	.description =
		"Writes a new Ed25519 key to FILE (PKCS#8, mode 0600) and its public key to the\n"
		"directory of --keys: a line in allowed_signers, and release.pub, minisign.pub\n"
		"and release.pem for other tools. An existing FILE is never overwritten, and keys\n"
		"that are already listed stay: see docs/security.md for rotation. If FILE\n"
		"contains a key that is not listed yet, as after a failed run, that key is\n"
		"published.\n",
	.examples = "  distributor keygen --principal release@example.org ~/release.pem\n"
		    "  distributor keygen --root --principal root@example.org "
		    "/media/offline/root.pem\n",
	.options = keygen_options,
	.shared = SHARED_KEYS,
	.min_args = 1,
	.max_args = 1,
	.run = run_keygen,
};
