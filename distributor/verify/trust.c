/* SPDX-License-Identifier: MIT */
#include "distributor/verify/trust.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "distributor/workspace/key_files.h"

#include <stdlib.h>
#include <string.h>

/* Whoever verifies has no key to make, but may have named what is beside the list. */
static int
explain_no_list(const char *directory, struct error *err)
{
	auto_free char *inner = path_join(directory, "keys");
	auto_free char *list = path_join(inner, KEY_LIST_NAME);

	bool there;

	if (path_exists(list, &there, err) < 0)
		return -1;
	if (there)
		return error_set(err, ERR_NOT_FOUND,
				 "'%s/" KEY_LIST_NAME "' does not exist; did you mean --keys %s?",
				 directory, inner);
	return error_set(err, ERR_NOT_FOUND,
			 "'%s/" KEY_LIST_NAME "' does not exist; clone the project's repository "
			 "and use its keys/ directory with --keys",
			 directory);
}

static int
load(const char *directory, const char *root, struct keyring *ret_keyring, struct error *err)
{
	auto_free char *above = NULL;
	bool there, is_directory;

	if (path_exists(directory, &there, err) < 0 ||
	    path_is_directory(directory, &is_directory, err) < 0)
		return -1;
	if (there && !is_directory) {
		above = path_directory(directory);
		return error_set(err, ERR_INPUT,
				 "'%s' is a file, but --keys requires its directory: --keys %s",
				 directory, above);
	}
	if (key_files_load(directory, root, ret_keyring, err) == 0)
		return 0;
	return err->code == ERR_NOT_FOUND ? explain_no_list(directory, err) : -1;
}

int
verify_trust_load(const struct verify_trust *trust, struct keyring *ret_keyring, struct error *err)
{
	auto_free char *directory = NULL;

	if (trust->keys != NULL)
		directory = xstrdup(trust->keys);
	else if (trust->repo != NULL)
		directory = path_join(trust->repo, "keys");
	else
		return error_set(
			err, ERR_USAGE,
			"no trusted keys given; clone the project's repository and name its keys/ "
			"with --keys DIR (and --root SHA256:FINGERPRINT if it has a root key), or "
			"the clone with --repo DIR; keys that come with a release prove nothing");
	if (trust->root != NULL && !text_starts_with(trust->root, "SHA256:"))
		return error_set(err, ERR_USAGE,
				 "--root requires a fingerprint as printed by 'ssh-keygen -lf', "
				 "SHA256:..., not '%s'",
				 trust->root);
	return load(directory, trust->root, ret_keyring, err);
}

/* "release@example.org SHA256:...", for each key. */
static void
add_keys(const struct keyring *keyring, struct strbuf *text)
{
	char fingerprint[FINGERPRINT_SIZE];

	for (size_t i = 0; i < keyring->count; i++)
		strbuf_addf(text, "%s%s, %s", i != 0 ? "; " : "", keyring->entries[i].principal,
			    public_key_fingerprint(&keyring->entries[i].key, fingerprint));
}

void
verify_trust_note(const struct keyring *keyring, struct verify_report *report)
{
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	const struct keyring_stamp *allowed = &keyring->allowed_stamp;

	if (keyring->root == NULL) {
		add_keys(keyring, &text);
		verify_note(report, "keys", VERIFY_SKIPPED,
			    "'%s' is trusted without a root key: %s", keyring->path,
			    strbuf_text(&text));
		return;
	}
	verify_note(report, "keys", keyring->is_pinned ? VERIFY_OK : VERIFY_SKIPPED,
		    "'%s' and revoked_keys are signed by root key %s, serial %llu dated %s%s",
		    keyring->path, keyring->root, (unsigned long long)allowed->serial,
		    allowed->date, keyring->is_pinned ? "" : "; use --root to require that key");
}

/* The directory that holds this one as it is called, where a link to it would lie; as path_real(). */
static int
place_beside(const char *directory, char **ret_place, struct error *err)
{
	auto_free char *name = xstrdup(directory), *above = NULL;

	for (size_t end = strlen(name); end > 1 && name[end - 1] == '/'; end--)
		name[end - 1] = '\0';
	above = path_directory(name);
	return path_real(above, ret_place, err);
}

static bool
is_same_place(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

int
verify_trust_among(const struct keyring *keyring, const char *directory,
		   struct verify_report *report, char **ret_name, struct error *err)
{
	auto_free char *named = path_directory(keyring->path), *beside = NULL;
	auto_free char *keys = NULL, *files = NULL, *parent = NULL;
	bool is_within;

	*ret_name = NULL;
	if (place_beside(named, &beside, err) < 0 || path_real(named, &keys, err) < 0 ||
	    path_real(directory, &files, err) < 0)
		return -1;
	parent = keys != NULL ? path_directory(keys) : NULL;
	is_within = is_same_place(parent, files);
	if (!is_within && !is_same_place(keys, files) && !is_same_place(beside, files))
		return 0;
	if (!keyring->is_pinned)
		verify_note(report, "keys", VERIFY_FAILED,
			    "'%s' is among the files and may have come with them; use the keys in "
			    "a clone of the project's repository with --keys DIR, or name their "
			    "root key with --root SHA256:FINGERPRINT",
			    keyring->path);
	if (is_within)
		*ret_name = xstrdup(path_base(keys));
	return 0;
}
