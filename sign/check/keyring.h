/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The public keys that verify a release: one directory, in OpenSSH's formats.
 *
 *     allowed_signers      PRINCIPAL namespaces="file,git" ssh-ed25519 AAAA...
 *     allowed_signers.sig  by the offline root key, in the namespace "keys"
 *     revoked_keys         ssh-ed25519 AAAA..., one in a line
 *     revoked_keys.sig     by the root key
 *     root_signers         PRINCIPAL namespaces="keys" ssh-ed25519 AAAA...
 *
 * With root_signers both lists and both signatures are required, and the lists must be from one
 * endorsement: each begins with "# ROLE serial N DATE", where ROLE is its file name, and N and DATE
 * are the same in both. Without root_signers, revoked_keys may be missing. The other files
 * (release.pub, minisign.pub, release.pem) are other formats of the same keys.
 *
 * A line "# retired after TAG FINGERPRINT" in allowed_signers limits a listed key to that release
 * and earlier ones. To ssh-keygen all of these lines are comments.
 */

#include "sign/check/sshsig.h"

#define KEYRING_MAX_TEXT 65536
#define KEYRING_MAX_KEYS 256

/* Its fingerprint is public_key_fingerprint(&entry->key, text). */
struct keyring_entry {
	char *principal;
	struct public_key key;
	unsigned int namespaces; /* bit 1 << SSHSIG_... */
	char *last_tag;          /* "v10.2.2-1" for a retired key: its last release; or NULL */
};

enum keyring_role { KEYRING_ALLOWED, KEYRING_REVOKED, KEYRING_ROOTS };

/* The name of a list's file, which is the ROLE in its first line. */
const char *keyring_role_name(enum keyring_role role);

/* The values in the first line of a list signed by a root key. */
struct keyring_stamp {
	uint64_t serial; /* grows with each endorsement; 0: not signed by a root key */
	char date[11];   /* "2026-12-01", or empty */
};

struct keyring {
	enum keyring_role role; /* of the list with the entries: KEYRING_ALLOWED or KEYRING_ROOTS */
	struct keyring_entry *entries;
	size_t count;
	struct public_key *revoked;
	size_t revoked_count;
	char *path;     /* of the allowed_signers file, or NULL */
	char *root;     /* fingerprint of the one root key that signed both lists, or NULL */
	bool is_pinned; /* ... and it matched the caller's pin */
	struct keyring_stamp allowed_stamp, revoked_stamp;
	char **skipped; /* "PATH:LINE: a key of type ssh-rsa cannot sign releases", for people */
	size_t skipped_count;
};

#define KEYRING_INIT {.entries = NULL}

void keyring_clear(struct keyring *keyring);

/*
 * Adds the keys of the text of one list. Blank lines and comments are skipped, LF and CR LF are
 * line ends, as for ssh-keygen. Keys of types other than Ed25519 are skipped and recorded. What
 * ssh-keygen would interpret differently is refused: options other than namespaces="...", patterns,
 * a negated namespace. ERR_INPUT with "NAME:LINE"; ERR_VERIFY if the first line belongs to another
 * list.
 */
int keyring_parse(const char *text, size_t length, enum keyring_role role, struct keyring *keyring,
		  const char *name, struct error *err) CHECKED;

/*
 * Reads a directory and checks it: root signatures, and that the other formats contain an allowed
 * key. `root_fingerprint` ("SHA256:...") is the caller's pin, or NULL; it must be the signer of
 * each list. Lists by different root keys are refused, pinned or not. ERR_NOT_FOUND, ERR_INPUT,
 * ERR_VERIFY.
 */
int keyring_load(const char *directory, const char *root_fingerprint, struct keyring *ret_keyring,
		 struct error *err) CHECKED;

bool keyring_is_revoked(const struct keyring *keyring, const struct public_key *key);

/*
 * The entry that allows this key to sign in this namespace. `what` is for messages. ERR_VERIFY:
 * revoked, unknown, retired, or not allowed in this namespace.
 */
int keyring_find(const struct keyring *keyring, const struct public_key *key,
		 enum sshsig_namespace name_space, const char *what,
		 const struct keyring_entry **ret_entry, struct error *err) CHECKED;

/*
 * The same for a document that names its release, "v10.2.2-1" or the version alone: a retired key
 * is valid for its last release and earlier ones. With `release` NULL it is keyring_find().
 */
int keyring_find_for(const struct keyring *keyring, const struct public_key *key,
		     enum sshsig_namespace name_space, const char *release, const char *what,
		     const struct keyring_entry **ret_entry, struct error *err) CHECKED;

/*
 * The same for a signature that identifies its key by a number or a hint, in the namespace of
 * files: `is_named` tests a key. Revoked keys are tested first.
 */
int keyring_find_named(const struct keyring *keyring,
		       bool (*is_named)(const void *signature, const struct public_key *key),
		       const void *signature, const char *release, const char *what,
		       const struct keyring_entry **ret_entry, struct error *err) CHECKED;

/* Checks that this is a valid name of a signer in a list. ERR_INPUT. */
int keyring_check_principal(const char *principal, struct error *err) CHECKED;

/* The line of allowed_signers for a key, to be freed by the caller. ERR_INPUT (the principal). */
int keyring_format_line(const char *principal, const char *namespaces, const struct public_key *key,
			char **ret_line, struct error *err) CHECKED;
