/* SPDX-License-Identifier: MIT */
#include "distributor/steps/signer.h"

void
lazy_signer_clear(struct lazy_signer *lazy)
{
	signing_key_free(lazy->key);
	lazy->key = NULL;
}

int
lazy_signer_key(struct lazy_signer *lazy, const struct signing_key **ret_key, struct error *err)
{
	if (lazy->key == NULL && key_input_read(lazy->source, &lazy->key, err) < 0)
		return -1;
	*ret_key = lazy->key;
	return 0;
}

/* A retired key is good for what it has signed, and signs nothing more. */
static int
refuse_retired(const struct lazy_signer *lazy, const struct signing_key *key, struct error *err)
{
	const struct public_key *public = signing_key_public(key);
	char fingerprint[FINGERPRINT_SIZE];

	for (size_t i = 0; i < lazy->keyring->count; i++) {
		const struct keyring_entry *entry = &lazy->keyring->entries[i];

		if (entry->last_tag != NULL && public_key_equal(&entry->key, public))
			return error_set(
				err, ERR_VERIFY,
				"key %s was retired after %s; use the current key with --key",
				public_key_fingerprint(public, fingerprint), entry->last_tag);
	}
	return 0;
}

int
lazy_signer_get(struct lazy_signer *lazy, const struct signer **ret_signer, struct error *err)
{
	const struct keyring_entry *entry;
	const struct signing_key *key;

	if (lazy_signer_key(lazy, &key, err) < 0 || refuse_retired(lazy, key, err) < 0)
		return -1;
	if (keyring_find(lazy->keyring, signing_key_public(key), SSHSIG_FILE, "the release", &entry,
			 err) < 0)
		return error_prefix(err, "cannot sign with this key");
	/* From the repository, not from the secret: every signature is verified with it. */
	lazy->signer = (struct signer){key, entry->key};
	public_key_fingerprint(&entry->key, lazy->fingerprint);
	*ret_signer = &lazy->signer;
	return 0;
}
