/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "distributor/cli/command.h"
#include "distributor/commands/key_options.h"
#include "distributor/steps/key_lists.h"
#include "distributor/workspace/epoch.h"
#include "distributor/workspace/key_files.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct key_input source = KEY_INPUT_INIT;
static const char *form, *output, *revoked, *retired, *last, *principal;
static bool endorse;

/* A public form as a text to print, or NULL if `form` is not one. */
static int
format_public(const struct public_key *key, char **ret_text, struct error *err)
{
	if (strcmp(form, "ssh") == 0)
		*ret_text = public_key_ssh_line(key, principal != NULL ? principal : "");
	else if (strcmp(form, "minisign") == 0)
		*ret_text = public_key_minisign(key);
	else if (strcmp(form, "pem") == 0)
		*ret_text = public_key_pem(key);
	else if (strcmp(form, "allowed-signers") == 0)
		return keyring_format_line(principal != NULL ? principal : "release@localhost",
					   "file,git", key, ret_text, err);
	return 0;
}

static bool
find_secret_form(enum signing_key_form *ret_form)
{
	static const struct {
		const char *name;
		enum signing_key_form form;
	} forms[] = {{"secret-pem", SIGNING_KEY_PEM},
		     {"secret-line", SIGNING_KEY_LINE},
		     {"secret-openssh", SIGNING_KEY_OPENSSH}};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strcmp(forms[i].name, form) == 0) {
			*ret_form = forms[i].form;
			return true;
		}
	return false;
}

static int
convert_secret(struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	AUTO(secret_clear) struct secret text = SECRET_INIT;
	enum signing_key_form secret_form;

	if (!find_secret_form(&secret_form))
		return error_set(err, ERR_USAGE,
				 "--to takes ssh, minisign, pem, allowed-signers, secret-pem, "
				 "secret-line or secret-openssh, not '%s'",
				 form);
	if (output == NULL)
		return error_set(err, ERR_USAGE,
				 "secret keys are only written to a file; use --output FILE");
	if (key_input_read(&source, &key, err) < 0 ||
	    signing_key_format(key, secret_form, NULL, &text, err) < 0)
		return -1;
	return signing_key_write(output, &text, err);
}

/* The comment of an SSH line, after its second blank, or NULL. */
static char *
comment_of(const char *text)
{
	const char *blank = text_starts_with(text, "ssh-") ? strchr(text, ' ') : NULL;

	blank = blank != NULL ? strchr(blank + 1, ' ') : NULL;
	return blank != NULL ? xstrndup(blank + 1, strcspn(blank + 1, "\r\n")) : NULL;
}

/* The public key: of a file with one, or of the signing key. */
static int
read_public(const struct app *app, int argc, char **argv, struct public_key *ret_key,
	    char **ret_comment, struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	auto_free char *text = NULL;

	if (argc == 1) {
		if (read_file(argv[0], PUBLIC_KEY_MAX_TEXT, &text, NULL, err) < 0)
			return -1;
		*ret_comment = comment_of(text);
		return public_key_parse(text, ret_key, argv[0], err);
	}
	if (key_input_read(&source, &key, err) < 0)
		return err->code == ERR_USAGE ? error_set(err, ERR_USAGE,
							  "no key given: name a public key file, "
							  "such as '%s/" KEY_PUBLIC_NAME
							  "' or a signing key with --key FILE",
							  app->work.keys)
					      : -1;
	*ret_key = *signing_key_public(key);
	return 0;
}

static void
print_key(const struct app *app, const struct public_key *key, const char *comment)
{
	auto_free char *ssh = public_key_ssh_base64(key), *hint = public_key_hint(key);
	auto_free char *minisign = public_key_minisign_base64(key);
	char fingerprint[FINGERPRINT_SIZE];

	public_key_fingerprint(key, fingerprint);
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:s, s:s, s:s}", "fingerprint", fingerprint, "ssh",
					  ssh, "minisign", minisign, "hint", hint));
	else
		(void)printf("256 %s %s (ED25519)\n", fingerprint,
			     principal != NULL ? principal
			     : comment != NULL ? comment
					       : "no comment");
}

static int
show_or_convert(struct app *app, int argc, char **argv, struct error *err)
{
	auto_free char *text = NULL, *comment = NULL;
	struct public_key key;

	if (form != NULL && text_starts_with(form, "secret-"))
		return convert_secret(err);
	if (read_public(app, argc, argv, &key, &comment, err) < 0)
		return -1;
	if (form == NULL) {
		print_key(app, &key, comment);
		return 0;
	}
	if (format_public(&key, &text, err) < 0)
		return -1;
	if (text == NULL)
		return convert_secret(err);
	if (output != NULL)
		return write_file(output, text, strlen(text), 0644, err);
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:s}", "form", form, "text", text));
	else
		(void)fputs(text, stdout);
	return 0;
}

static int
run_endorse(struct app *app, struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	char fingerprint[FINGERPRINT_SIZE];
	struct keyring_stamp stamp;
	int64_t now;
	bool has_root;

	if (key_files_have_root(app->work.keys, &has_root, err) < 0)
		return -1;
	if (!has_root)
		return error_set(
			err, ERR_INPUT,
			"'%s/" KEY_ROOT_NAME
			"' does not exist; create a root key with 'distributor keygen --root'",
			app->work.keys);
	if (source_date_epoch_or(time(NULL), &now, err) < 0 ||
	    key_input_read(&source, &key, err) < 0 ||
	    key_lists_endorse(app->work.keys, key, now, &stamp, err) < 0)
		return -1;
	public_key_fingerprint(signing_key_public(key), fingerprint);
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:s, s:I, s:s}", "keys", app->work.keys, "root",
					  fingerprint, "serial", (json_int_t)stamp.serial, "date",
					  stamp.date));
	else
		log_info("signed both lists in '%s' with root key %s, serial %" PRIu64
			 " dated %s; commit '%s'",
			 app->work.keys, fingerprint, stamp.serial, stamp.date, app->work.keys);
	return 0;
}

static int
read_key_file(const char *path, struct public_key *ret_key, struct error *err)
{
	auto_free char *text = NULL;

	if (read_file(path, PUBLIC_KEY_MAX_TEXT, &text, NULL, err) < 0)
		return -1;
	return public_key_parse(text, ret_key, path, err);
}

/* What a change of the lists leaves to do, in its order. */
static void
print_next_steps(const struct app *app, const struct public_key *key, bool has_root)
{
	if (key_lists_is_current(app->work.keys, key))
		log_info("'%s/" KEY_PUBLIC_NAME
			 "' is that key; next, generate a new one: distributor keygen FILE",
			 app->work.keys);
	if (has_root && key_files_are_signed(app->work.keys))
		log_info("nothing changed; '%s' is signed by the root key", app->work.keys);
	else if (has_root)
		log_info("next, sign both lists with the root key: distributor key --endorse --key "
			 "ROOT.pem; until then '%s' is refused; then commit it",
			 app->work.keys);
	else
		log_info("next, commit '%s'", app->work.keys);
}

static int
run_revoke(struct app *app, struct error *err)
{
	auto_free char *path = path_join(app->work.keys, KEY_REVOKED_NAME);
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key key;
	bool has_root;

	if (read_key_file(revoked, &key, err) < 0 ||
	    key_files_have_root(app->work.keys, &has_root, err) < 0 ||
	    key_lists_revoke(app->work.keys, &key, err) < 0)
		return -1;
	(void)public_key_fingerprint(&key, fingerprint);
	if (app->json) {
		app_print_json(jsonx_pack("{s:s, s:s, s:b}", "revoked", fingerprint, "list", path,
					  "root_has_to_sign", has_root ? 1 : 0));
		return 0;
	}
	log_info("revoked %s: added to '%s', removed from '%s/" KEY_LIST_NAME "'", fingerprint,
		 path, app->work.keys);
	print_next_steps(app, &key, has_root);
	log_info("releases and tags that it signed are refused from now on; publish what is still "
		 "needed under the next release number");
	return 0;
}

static int
run_retire(struct app *app, struct error *err)
{
	auto_free char *path = path_join(app->work.keys, KEY_LIST_NAME);
	auto_free char *tag = xasprintf("%s%s", last[0] == 'v' ? "" : "v", last);
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key key;
	bool has_root;

	if (read_key_file(retired, &key, err) < 0 ||
	    key_files_have_root(app->work.keys, &has_root, err) < 0 ||
	    key_lists_retire(app->work.keys, &key, tag, err) < 0)
		return -1;
	(void)public_key_fingerprint(&key, fingerprint);
	if (app->json) {
		app_print_json(jsonx_pack("{s:s, s:s, s:s, s:b}", "retired", fingerprint, "last",
					  tag, "list", path, "root_has_to_sign", has_root ? 1 : 0));
		return 0;
	}
	log_info("retired %s: it remains valid for %s and earlier releases", fingerprint, tag);
	print_next_steps(app, &key, has_root);
	return 0;
}

/* One thing at a time, and nothing that would be passed over. */
static int
check_usage(int argc, char **argv, struct error *err)
{
	const char *action = endorse           ? "--endorse"
			     : revoked != NULL ? "--revoke FILE"
			     : retired != NULL ? "--retire FILE"
					       : NULL;

	if ((endorse ? 1 : 0) + (revoked != NULL ? 1 : 0) + (retired != NULL ? 1 : 0) +
		    (form != NULL ? 1 : 0) >
	    1)
		return error_set(err, ERR_USAGE,
				 "--to, --endorse, --revoke and --retire are mutually exclusive");
	if (argc != 0 && action != NULL)
		return error_set(err, ERR_USAGE, "%s: unexpected argument '%s'", action, argv[0]);
	if (output != NULL && form == NULL)
		return error_set(err, ERR_USAGE, "--output requires --to");
	if ((retired != NULL) != (last != NULL))
		return error_set(err, ERR_USAGE,
				 "--retire FILE and --last TAG, the last release that the key "
				 "signed, must be used together");
	return 0;
}

static int
run_key(struct app *app, int argc, char **argv, struct error *err)
{
	if (check_usage(argc, argv, err) < 0)
		return -1;
	if (endorse)
		return run_endorse(app, err);
	if (revoked != NULL)
		return run_revoke(app, err);
	if (retired != NULL)
		return run_retire(app, err);
	return show_or_convert(app, argc, argv, err);
}

static const struct option_spec key_options[] = {
	{"to", '\0', "ssh|minisign|pem|allowed-signers|secret-pem|secret-line", OPTION_TEXT, &form,
	 "output format; pem is for cosign, secret-line for a\n"
	 "CI secret, secret-openssh for ssh-keygen and git;\n"
	 "secret formats require --output"},
	{"output", '\0', "FILE", OPTION_TEXT, &output, "write the result to FILE"},
	{"principal", '\0', "NAME", OPTION_TEXT, &principal,
	 "name in the formats ssh and allowed-signers"},
	{"endorse", '\0', NULL, OPTION_FLAG, &endorse,
	 "sign allowed_signers and revoked_keys with the root\n"
	 "key"},
	{"revoke", '\0', "FILE", OPTION_TEXT, &revoked,
	 "reject everything this public key has signed: move\n"
	 "it from allowed_signers to revoked_keys"},
	{"retire", '\0', "FILE", OPTION_TEXT, &retired,
	 "reject what this public key signs after the release\n"
	 "given with --last"},
	{"last", '\0', "TAG", OPTION_TEXT, &last,
	 "last release a retired key is valid for, such as\n"
	 "\"v10.2.2-1\""},
	KEY_INPUT_OPTIONS(source),
	{.name = NULL},
};

const struct command cmd_key = {
	.name = "key",
	.args = "[PUBLIC-KEY-FILE]",
	.summary = "show, convert, endorse, retire and revoke keys",
	.description =
		"Prints the fingerprint of a public key, or of the signing key, in the format of\n"
		"ssh-keygen -lf, or converts the key to another format. Reads public keys in\n"
		"OpenSSH, minisign and PEM files, and signing keys in PKCS#8. --revoke, --retire\n"
		"and --endorse change the lists in the directory of --keys; commit them\n"
		"afterwards.\n",
	.examples = "  distributor key keys/release.pub\n"
		    "  distributor key --key release.pem --to secret-line --output release.line\n"
		    "  distributor key --endorse --key /media/offline/root.pem\n"
		    "  distributor key --retire old.pub --last v10.2.2-1\n"
		    "  distributor key --revoke old.pub\n",
	.options = key_options,
	.shared = SHARED_KEYS,
	.min_args = 0,
	.max_args = 1,
	.run = run_key,
};
