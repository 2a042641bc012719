#pragma once

/*
 * The public keys that a release is checked with: one directory, in OpenSSH's formats.
 *
 *     allowed_signers      PRINCIPAL namespaces="file,git" ssh-ed25519 AAAA...
 *     allowed_signers.sig  by the offline root key, in the namespace "keys"
 *     revoked_keys         ssh-ed25519 AAAA..., one in a line
 *     revoked_keys.sig     by the root key
 *     root_signers         PRINCIPAL namespaces="keys" ssh-ed25519 AAAA...
 *
 * With root_signers the two signatures are required. What else lies there (release.pub,
 * minisign.pub, release.pem) are other spellings of the same keys.
 */

#include "sign/sshsig.h"

#define KEYRING_MAX_TEXT 65536
#define KEYRING_MAX_KEYS 256

/* Its fingerprint is public_key_fingerprint(&entry->key, text). */
struct keyring_entry {
	char *principal;
	struct public_key key;
	unsigned int namespaces; /* bit 1 << SSHSIG_... */
	char *last_tag;          /* "v10.2.2-1" for a retired key: its last release; or NULL */
};

/* What a list that a root key has signed says of itself. */
struct keyring_stamp {
	uint64_t serial; /* grows with each endorsement; 0: no root key vouches for it */
	char date[11];   /* "2026-12-01", or empty */
};

struct keyring {
	struct keyring_entry *entries;
	size_t count;
	struct public_key *revoked;
	size_t revoked_count;
	char *path;     /* of the allowed_signers that was read, or NULL */
	char *root;     /* fingerprint of the one root key that signed both lists, or NULL */
	bool is_pinned; /* ... and the caller named it */
	struct keyring_stamp allowed_stamp, revoked_stamp;
};

#define KEYRING_INIT                                                                               \
	{                                                                                          \
		.entries = NULL                                                                    \
	}

void keyring_release(struct keyring *keyring);

/*
 * Adds the keys of a text of either format: a line that begins with "ssh-" is a revoked key, any
 * other line an allowed signer. Blank lines and lines that begin with '#' are skipped. ERR_INPUT
 * with "NAME:LINE".
 */
int keyring_parse(const char *text, size_t length, struct keyring *keyring, const char *name,
		  struct error *err) CHECKED;

/*
 * Reads a directory and checks it: root signatures, and that the other spellings hold an allowed
 * key. `root_fingerprint` ("SHA256:...") is what the caller pins, or NULL; it has to be the signer
 * of each list. Two lists by two root keys are refused, pinned or not. ERR_NOT_FOUND, ERR_INPUT,
 * ERR_VERIFY.
 */
int keyring_load(const char *directory, const char *root_fingerprint, struct keyring *ret_keyring,
		 struct error *err) CHECKED;

/*
 * The entry that lets this key sign in this namespace. `what` is for the sentence. ERR_VERIFY:
 * revoked, unknown, retired, or not for this namespace.
 */
int keyring_find(const struct keyring *keyring, const struct public_key *key,
		 enum sshsig_namespace name_space, const char *what,
		 const struct keyring_entry **ret_entry, struct error *err) CHECKED;

/*
 * The same for something that says of which release it is, "v10.2.2-1" or the version alone: a
 * retired key is good for its last release and those before. `release` NULL is keyring_find().
 */
int keyring_find_for(const struct keyring *keyring, const struct public_key *key,
		     enum sshsig_namespace name_space, const char *release, const char *what,
		     const struct keyring_entry **ret_entry, struct error *err) CHECKED;

/* The line of allowed_signers for a key, to be freed by the caller. ERR_INPUT (the principal). */
int keyring_format_line(const char *principal, const char *namespaces, const struct public_key *key,
			char **ret_line, struct error *err) CHECKED;
