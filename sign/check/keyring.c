/* SPDX-License-Identifier: MIT */
#include "sign/check/keyring.h"

#include "base/alloc.h"
#include "model/release_version.h"
#include "sign/check/keyring_internal.h"

#include <string.h>

const char *
keyring_role_name(enum keyring_role role)
{
	static const char *const names[] = {"allowed_signers", "revoked_keys", "root_signers"};

	return names[role];
}

void
keyring_clear(struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->count; i++) {
		free(keyring->entries[i].principal);
		free(keyring->entries[i].last_tag);
	}
	for (size_t i = 0; i < keyring->skipped_count; i++)
		free(keyring->skipped[i]);
	free(keyring->skipped);
	free(keyring->entries);
	free(keyring->revoked);
	free(keyring->path);
	free(keyring->root);
	*keyring = (struct keyring)KEYRING_INIT;
}

bool
keyring_is_principal(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._+@-";

	return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

bool
keyring_is_revoked(const struct keyring *keyring, const struct public_key *key)
{
	for (size_t i = 0; i < keyring->revoked_count; i++)
		if (public_key_equal(&keyring->revoked[i], key))
			return true;
	return false;
}

/* A retired key signs what says that it is of its last release or of one before. */
static int
check_retired(const struct keyring_entry *entry, const char *release, const char *what,
	      const char *fingerprint, struct error *err)
{
	const char *version = release;

	if (entry->last_tag == NULL)
		return 0;
	if (version == NULL)
		return error_set(err, ERR_VERIFY,
				 "%s is by key %s, which was retired after %s, but does not "
				 "name its release",
				 what, fingerprint, entry->last_tag);
	version += version[0] == 'v';
	if (!release_version_is_valid(version) ||
	    release_version_compare(version, entry->last_tag + 1) > 0)
		return error_set(err, ERR_VERIFY,
				 "%s is for %s and by key %s, which was retired after %s", what,
				 release, fingerprint, entry->last_tag);
	return 0;
}

int
keyring_find_for(const struct keyring *keyring, const struct public_key *key,
		 enum sshsig_namespace name_space, const char *release, const char *what,
		 const struct keyring_entry **ret_entry, struct error *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	bool known = false;

	public_key_fingerprint(key, fingerprint);
	if (keyring_is_revoked(keyring, key))
		return error_set(err, ERR_VERIFY, "%s is by key %s, which is revoked", what,
				 fingerprint);
	for (size_t i = 0; i < keyring->count; i++) {
		const struct keyring_entry *entry = &keyring->entries[i];

		if (!public_key_equal(&entry->key, key))
			continue;
		known = true;
		if ((entry->namespaces & 1U << name_space) == 0)
			continue;
		if (check_retired(entry, release, what, fingerprint, err) < 0)
			return -1;
		*ret_entry = entry;
		return 0;
	}
	if (known)
		return error_set(err, ERR_VERIFY,
				 "%s is by key %s, which may not sign in the namespace '%s'", what,
				 fingerprint, sshsig_namespace_name(name_space));
	return error_set(err, ERR_VERIFY, "%s is by key %s, which is not in %s", what, fingerprint,
			 keyring_role_name(keyring->role));
}

int
keyring_find(const struct keyring *keyring, const struct public_key *key,
	     enum sshsig_namespace name_space, const char *what,
	     const struct keyring_entry **ret_entry, struct error *err)
{
	return keyring_find_for(keyring, key, name_space, NULL, what, ret_entry, err);
}

int
keyring_find_named(const struct keyring *keyring,
		   bool (*is_named)(const void *signature, const struct public_key *key),
		   const void *signature, const char *release, const char *what,
		   const struct keyring_entry **ret_entry, struct error *err)
{
	const struct public_key *key = NULL;

	for (size_t i = 0; i < keyring->count; i++)
		if (is_named(signature, &keyring->entries[i].key))
			key = &keyring->entries[i].key;
	for (size_t i = 0; i < keyring->revoked_count; i++)
		if (is_named(signature, &keyring->revoked[i]))
			key = &keyring->revoked[i];
	if (key == NULL)
		return error_set(err, ERR_VERIFY, "%s is by a key that is not in allowed_signers",
				 what);
	return keyring_find_for(keyring, key, SSHSIG_FILE, release, what, ret_entry, err);
}

int
keyring_check_principal(const char *principal, struct error *err)
{
	if (keyring_is_principal(principal))
		return 0;
	return error_set(err, ERR_INPUT,
			 "'%s' is not a valid principal; use a name like release@example.org",
			 principal);
}

int
keyring_format_line(const char *principal, const char *namespaces, const struct public_key *key,
		    char **ret_line, struct error *err)
{
	auto_free char *line = public_key_ssh_line(key, "");

	if (keyring_check_principal(principal, err) < 0)
		return -1;
	*ret_line = xasprintf("%s namespaces=\"%s\" %s", principal, namespaces, line);
	return 0;
}
