/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "sign/check/key_list.h"

#include <inttypes.h>
#include <string.h>

/* What one call of keyring_load() reads. */
struct loading {
	const char *directory;
	const char *pinned; /* the root's fingerprint, or NULL */
	struct keyring keyring;
	struct keyring roots;
	char *texts[KEYRING_ROOTS + 1]; /* by role; NULL: there is no such file */
};

static void
loading_clear(struct loading *l)
{
	keyring_clear(&l->keyring);
	keyring_clear(&l->roots);
	for (size_t i = 0; i < ARRAY_SIZE(l->texts); i++)
		free(l->texts[i]);
}

/* A missing list is 0 with a text of NULL. */
static int
load_list(struct loading *l, enum keyring_role role, struct keyring *keyring, struct error *err)
{
	auto_free char *path = path_join(l->directory, keyring_role_name(role));
	size_t length;

	if (read_file(path, KEYRING_MAX_TEXT, &l->texts[role], &length, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	return keyring_parse(l->texts[role], length, role, keyring, path, err);
}

/* Checks the signature of one list with the keys of root_signers; says which one it was. */
static int
check_root_signature(struct loading *l, enum keyring_role role, struct public_key *ret_signer,
		     struct error *err)
{
	const char *name = keyring_role_name(role), *text = l->texts[role];
	auto_free char *path = xasprintf("%s/%s.sig", l->directory, name);
	auto_free char *armour = NULL;
	const struct keyring_entry *entry;
	struct sshsig sig;
	size_t length;

	if (read_file(path, SSHSIG_MAX_TEXT, &armour, &length, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(
			err, ERR_VERIFY,
			"'%s/%s' is not signed by the root key: '%s' is missing; the holder of the "
			"root key creates it with: distributor key --endorse --key ROOT.pem",
			l->directory, name, path);
	}
	if (sshsig_parse(armour, length, &sig, path, err) < 0 ||
	    keyring_find(&l->roots, &sig.key, SSHSIG_KEYS, path, &entry, err) < 0)
		return -1;
	if (sshsig_check(&sig, SSHSIG_KEYS, text, strlen(text), name, err) < 0) {
		if (strchr(text, '\r') != NULL)
			return error_prefix(err,
					    "'%s/%s' has CR LF line ends, which git adds unless "
					    "the file has the attribute -text",
					    l->directory, name);
		return error_prefix(err, "'%s/%s' does not match its signature '%s'", l->directory,
				    name, path);
	}
	*ret_signer = entry->key;
	return 0;
}

/* What the list says of itself, now that its signature is good. */
static int
check_stamp(struct loading *l, enum keyring_role role, struct keyring_stamp *ret_stamp,
	    struct error *err)
{
	const char *name = keyring_role_name(role);

	if (key_list_stamp(l->texts[role], role, ret_stamp))
		return 0;
	return error_set(err, ERR_VERIFY,
			 "'%s/%s' does not begin with '# %s serial N DATE', so the root key's "
			 "signature may belong to another list; the holder of the root key adds it "
			 "with: distributor key --endorse --key ROOT.pem",
			 l->directory, name, name);
}

/*
 * One list against what the root key has to be. An outsider may add a root key of his own to
 * root_signers, so each list is compared with the pin, and the second one with the first.
 */
static int
check_endorsed(struct loading *l, enum keyring_role role, struct keyring_stamp *ret_stamp,
	       struct error *err)
{
	const char *name = keyring_role_name(role);
	struct keyring *keyring = &l->keyring;
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key signer;

	if (l->texts[role] == NULL)
		return error_set(
			err, ERR_VERIFY,
			"'%s/%s' is missing, but root_signers requires it, signed; the holder of "
			"the root key creates it with: distributor key --endorse --key ROOT.pem",
			l->directory, name);
	if (check_root_signature(l, role, &signer, err) < 0)
		return -1;
	public_key_fingerprint(&signer, fingerprint);
	if (l->pinned != NULL && strcmp(fingerprint, l->pinned) != 0)
		return error_set(err, ERR_VERIFY, "'%s/%s' is signed by root key %s, expected %s",
				 l->directory, name, fingerprint, l->pinned);
	if (keyring->root != NULL && strcmp(fingerprint, keyring->root) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s/%s' is signed by root key %s, but allowed_signers by %s",
				 l->directory, name, fingerprint, keyring->root);
	free(keyring->root);
	keyring->root = xstrdup(fingerprint);
	keyring->is_pinned = l->pinned != NULL;
	return check_stamp(l, role, ret_stamp, err);
}

/* Both lists are signed each time, so that one of them cannot be older than the other. */
static int
check_same_stamp(const struct loading *l, struct error *err)
{
	const struct keyring_stamp *allowed = &l->keyring.allowed_stamp;
	const struct keyring_stamp *revoked = &l->keyring.revoked_stamp;

	if (allowed->serial == revoked->serial && strcmp(allowed->date, revoked->date) == 0)
		return 0;
	return error_set(err, ERR_VERIFY,
			 "'%s/revoked_keys' has serial %" PRIu64
			 " of %s, but allowed_signers has serial %" PRIu64
			 " of %s: they were not signed together",
			 l->directory, revoked->serial, revoked->date, allowed->serial,
			 allowed->date);
}

/* The root list, if there is one, signs the others; it is trusted by its fingerprint. */
static int
check_roots(struct loading *l, struct error *err)
{
	if (load_list(l, KEYRING_ROOTS, &l->roots, err) < 0)
		return -1;
	if (l->texts[KEYRING_ROOTS] == NULL && l->pinned == NULL)
		return 0;
	if (l->texts[KEYRING_ROOTS] == NULL)
		return error_set(err, ERR_VERIFY, "'%s' has no root_signers, but %s is required",
				 l->directory, l->pinned);
	if (check_endorsed(l, KEYRING_ALLOWED, &l->keyring.allowed_stamp, err) < 0 ||
	    check_endorsed(l, KEYRING_REVOKED, &l->keyring.revoked_stamp, err) < 0)
		return -1;
	return check_same_stamp(l, err);
}

/* release.pub and the like have to be a key of the list: users pick one of them. */
static int
check_spelling(const struct loading *l, const char *name, struct error *err)
{
	auto_free char *path = path_join(l->directory, name);
	auto_free char *text = NULL;
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key key;

	if (read_file(path, PUBLIC_KEY_MAX_TEXT, &text, NULL, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (public_key_parse(text, &key, path, err) < 0)
		return -1;
	/* Until there is a new key. Nothing that it signs is believed. */
	if (keyring_is_revoked(&l->keyring, &key))
		return 0;
	for (size_t i = 0; i < l->keyring.count; i++)
		if (public_key_equal(&l->keyring.entries[i].key, &key))
			return 0;
	return error_set(err, ERR_VERIFY, "'%s' contains key %s, which is not in allowed_signers",
			 path, public_key_fingerprint(&key, fingerprint));
}

static int
load_lists(struct loading *l, struct error *err)
{
	if (load_list(l, KEYRING_ALLOWED, &l->keyring, err) < 0)
		return -1;
	if (l->texts[KEYRING_ALLOWED] == NULL)
		return error_set(
			err, ERR_NOT_FOUND,
			"'%s/allowed_signers' not found; clone the project's repository and use "
			"--keys for its keys/, or run 'distributor keygen' for a new project",
			l->directory);
	if (load_list(l, KEYRING_REVOKED, &l->keyring, err) < 0 || check_roots(l, err) < 0)
		return -1;
	if (l->keyring.count + l->keyring.revoked_count == 0)
		return error_set(
			err, ERR_INPUT,
			"'%s/allowed_signers' has no key%s; run 'distributor keygen' to create one",
			l->directory, l->keyring.skipped_count != 0 ? " of type ssh-ed25519" : "");
	return 0;
}

int
keyring_load(const char *directory, const char *root_fingerprint, struct keyring *ret_keyring,
	     struct error *err)
{
	static const char *const spellings[] = {"release.pub", "minisign.pub", "release.pem"};
	AUTO(loading_clear)
	struct loading l = {.directory = directory, .pinned = root_fingerprint};

	if (load_lists(&l, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		if (check_spelling(&l, spellings[i], err) < 0)
			return -1;
	l.keyring.path = path_join(directory, keyring_role_name(KEYRING_ALLOWED));
	*ret_keyring = l.keyring;
	l.keyring = (struct keyring)KEYRING_INIT;
	return 0;
}
