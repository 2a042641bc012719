#include "distributor/verify_trust.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "distributor/key_files.h"

#include <stdlib.h>
#include <string.h>

/* How to get keys that do not come with the release. */
#define GET_KEYS "'git clone' of the project's repository has them in keys/"

static int
load(const char *directory, const char *root, struct keyring *ret_keyring, struct error *err)
{
	if (key_files_load(directory, root, ret_keyring, err) == 0)
		return 0;
	/* Whoever verifies has no key to make. */
	if (err->code == ERR_NOT_FOUND)
		error_set(err, ERR_NOT_FOUND,
			  "there is no '%s/allowed_signers'; " GET_KEYS
			  ": name that directory with --keys",
			  directory);
	return -1;
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
			"no list of keys is named; take one of: --keys DIR, "
			"--keys DIR --root SHA256:FINGERPRINT, --repo DIR (its keys/); " GET_KEYS
			", and keys that come with a release prove nothing");
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
	AUTO(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct keyring_stamp *allowed = &keyring->allowed_stamp;

	if (keyring->root == NULL) {
		add_keys(keyring, &text);
		verify_note(report, "keys", VERIFY_SKIPPED,
			    "'%s' is believed as it is, no root key signs it: %s", keyring->path,
			    strbuf_text(&text));
		return;
	}
	verify_note(report, "keys", keyring->is_pinned ? VERIFY_OK : VERIFY_SKIPPED,
		    "'%s' and revoked_keys are signed by root key %s%s, serial %llu of %s",
		    keyring->path, keyring->root,
		    keyring->is_pinned ? "" : ", which no --root names",
		    (unsigned long long)allowed->serial, allowed->date);
}

/* The directory that holds this one as it is called, where a link to it would lie; or NULL. */
static char *
place_beside(const char *directory)
{
	auto_free char *name = xstrdup(directory), *above = NULL;

	for (size_t end = strlen(name); end > 1 && name[end - 1] == '/'; end--)
		name[end - 1] = '\0';
	above = path_directory(name);
	return realpath(above, NULL);
}

static bool
is_same_place(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

char *
verify_trust_among(const struct keyring *keyring, const char *directory,
		   struct verify_report *report)
{
	auto_free char *named = path_directory(keyring->path), *beside = place_beside(named);
	auto_free char *keys = realpath(named, NULL), *files = realpath(directory, NULL);
	auto_free char *parent = keys != NULL ? path_directory(keys) : NULL;
	bool is_within = is_same_place(parent, files);

	if (!is_within && !is_same_place(keys, files) && !is_same_place(beside, files))
		return NULL;
	if (!keyring->is_pinned)
		verify_note(report, "keys", VERIFY_FAILED,
			    "'%s' lies among the files and may have come with them; name keys that "
			    "lie elsewhere with --keys, or their root key with --root",
			    keyring->path);
	return is_within ? xstrdup(path_base(keys)) : NULL;
}
