#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/key_files.h"
#include "distributor/key_source.h"
#include "sign/keyring.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct key_source source = KEY_SOURCE_INIT;
static const char *form, *output, *revoked, *principal;
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
	AUTO(secret_release) struct secret text = SECRET_INIT;
	enum signing_key_form secret_form;

	if (!find_secret_form(&secret_form))
		return error_set(err, ERR_USAGE,
				 "--to takes ssh, minisign, pem, allowed-signers, secret-pem, "
				 "secret-line or secret-openssh, not '%s'",
				 form);
	if (output == NULL)
		return error_set(err, ERR_USAGE,
				 "a secret key is written to a file: --output FILE");
	if (key_source_read(&source, &key, err) < 0 ||
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
	return blank != NULL ? xstrndup(blank + 1, strcspn(blank + 1, "\n")) : NULL;
}

/* The public key: of a file with one, or of the signing key. */
static int
read_public(int argc, char **argv, struct public_key *ret_key, char **ret_comment,
	    struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	auto_free char *text = NULL;

	if (argc == 1) {
		if (read_file(argv[0], PUBLIC_KEY_MAX_TEXT, &text, NULL, err) < 0)
			return -1;
		*ret_comment = comment_of(text);
		return public_key_parse(text, ret_key, argv[0], err);
	}
	if (key_source_read(&source, &key, err) < 0)
		return -1;
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
	if (read_public(argc, argv, &key, &comment, err) < 0)
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

/* Signs one list with the root key, if the list is there. */
static int
endorse_list(const struct signer *signer, const char *directory, const char *name,
	     struct error *err)
{
	auto_free char *path = path_join(directory, name);
	auto_free char *signature_path = xasprintf("%s.sig", path);
	auto_free char *text = NULL, *armour = NULL;
	size_t length;

	if (read_file(path, KEYRING_MAX_TEXT, &text, &length, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (sshsig_sign_keys(signer, text, length, &armour, err) < 0)
		return error_prefix(err, "cannot sign '%s'", path);
	return write_file(signature_path, armour, strlen(armour), 0644, err);
}

/* The root key has to be one of root_signers: that is what verifiers compare with. */
static int
run_endorse(struct app *app, struct error *err)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	AUTO(keyring_release) struct keyring root = KEYRING_INIT, whole = KEYRING_INIT;
	auto_free char *path = path_join(app->keys, KEY_ROOT_NAME);
	auto_free char *text = NULL;
	const struct keyring_entry *entry;
	struct signer signer;
	size_t length;

	if (read_file(path, KEYRING_MAX_TEXT, &text, &length, err) < 0)
		return err->code != ERR_NOT_FOUND
			       ? -1
			       : error_set(err, ERR_INPUT,
					   "there is no '%s': 'distributor keygen --root' makes a "
					   "root key",
					   path);
	if (keyring_parse(text, length, &root, path, err) < 0 ||
	    key_source_read(&source, &key, err) < 0)
		return -1;
	if (keyring_find(&root, signing_key_public(key), SSHSIG_KEYS, "the endorsement", &entry,
			 err) < 0)
		return error_prefix(err, "'%s'", path);
	signer = (struct signer){key, entry->key};
	if (endorse_list(&signer, app->keys, KEY_LIST_NAME, err) < 0 ||
	    endorse_list(&signer, app->keys, KEY_REVOKED_NAME, err) < 0 ||
	    keyring_load(app->keys, NULL, &whole, err) < 0)
		return -1;
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:s}", "keys", app->keys, "root", whole.root));
	else
		log_info("'%s' is signed by the root key %s", app->keys, whole.root);
	return 0;
}

static int
run_revoke(struct app *app, struct error *err)
{
	auto_free char *text = NULL, *line = NULL, *path = path_join(app->keys, KEY_REVOKED_NAME);
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key key;

	if (read_file(revoked, PUBLIC_KEY_MAX_TEXT, &text, NULL, err) < 0 ||
	    public_key_parse(text, &key, revoked, err) < 0)
		return -1;
	line = public_key_ssh_line(&key, "");
	if (key_files_append(app->keys, KEY_REVOKED_NAME, line, err) < 0)
		return -1;
	(void)public_key_fingerprint(&key, fingerprint);
	if (app->json)
		app_print_json(jsonx_pack("{s:s, s:s, s:b}", "revoked", fingerprint, "list", path,
					  "root_has_to_sign",
					  key_files_have_root(app->keys) ? 1 : 0));
	else if (key_files_have_root(app->keys))
		log_info("%s is revoked; sign '%s' with the root key, 'distributor key "
			 "--endorse', and commit it",
			 fingerprint, path);
	else
		log_info("%s is revoked; commit '%s'", fingerprint, path);
	return 0;
}

/* One thing at a time, and nothing that would be passed over. */
static int
check_usage(int argc, char **argv, struct error *err)
{
	if ((endorse ? 1 : 0) + (revoked != NULL ? 1 : 0) + (form != NULL ? 1 : 0) > 1)
		return error_set(err, ERR_USAGE,
				 "--to, --endorse and --revoke are things to do one by one");
	if (argc != 0 && (endorse || revoked != NULL))
		return error_set(err, ERR_USAGE, "%s takes no operand, not '%s'",
				 endorse ? "--endorse" : "--revoke FILE", argv[0]);
	if (output != NULL && form == NULL)
		return error_set(err, ERR_USAGE, "--output is for a form that --to names");
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
	return show_or_convert(app, argc, argv, err);
}

static const struct option_spec key_options[] = {
	{"to", '\0', "ssh|minisign|pem|allowed-signers|secret-pem|secret-line|secret-openssh",
	 OPTION_TEXT, &form,
	 "the form; pem is for cosign, secret-line for a CI secret.\n"
	 "Secret ones need --output"},
	{"output", '\0', "FILE", OPTION_TEXT, &output, "write it there"},
	{"principal", '\0', "NAME", OPTION_TEXT, &principal, "the name in ssh and allowed-signers"},
	{"endorse", '\0', NULL, OPTION_FLAG, &endorse,
	 "sign allowed_signers and revoked_keys with the root key"},
	{"revoke", '\0', "FILE", OPTION_TEXT, &revoked, "add this public key to revoked_keys"},
	KEY_SOURCE_OPTIONS(source),
	{.name = NULL},
};

const struct command cmd_key = {
	.name = "key",
	.args = "[PUBLIC-KEY-FILE]",
	.summary = "show, convert, endorse and revoke keys",
	.description =
		"Prints the fingerprint of a public key, or of the signing key, as ssh-keygen -lf\n"
		"does, or the key in another form. Reads PKCS#8, OpenSSH and minisign files.\n",
	.examples = "  distributor key keys/release.pub\n"
		    "  distributor key --key release.pem --to secret-line --output release.line\n"
		    "  distributor key --endorse --key /media/offline/root.pem\n"
		    "  distributor key --revoke keys/release.pub\n",
	.options = key_options,
	.shared = SHARED_KEYS,
	.min_args = 0,
	.max_args = 1,
	.run = run_key,
};
