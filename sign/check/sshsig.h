/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SSH signatures (OpenSSH's PROTOCOL.sshsig) of three kinds of document, each in its own namespace.
 */

#include "sign/check/public_key.h"

enum sshsig_namespace {
	SSHSIG_FILE, /* "file": SHA256SUMS */
	SSHSIG_GIT,  /* "git": an annotated tag */
	SSHSIG_KEYS, /* "keys": allowed_signers and revoked_keys, by the offline root key */
};
enum { SSHSIG_NAMESPACES = 3 };

const char *sshsig_namespace_name(enum sshsig_namespace name_space);

#define SSHSIG_MAX_TEXT 4096
#define SSHSIG_BEGIN    "-----BEGIN SSH SIGNATURE-----\n"

/* A parsed signature of ours or of others. */
struct sshsig {
	struct public_key key;
	enum { SSHSIG_SHA256, SSHSIG_SHA512 } hash;
	char name_space[64];
	uint8_t signature[SIGNATURE_SIZE];
};

/*
 * Reads an armored signature: one block and nothing else, LF line ends, Ed25519, version 1.
 * ERR_INPUT with `name` in the message. Does not check validity.
 */
int sshsig_parse(const char *text, size_t length, struct sshsig *ret_sig, const char *name,
		 struct error *err) CHECKED;

/*
 * Checks that `sig` is a signature of these bytes in this namespace by the key that it contains,
 * which the caller must then look up among its trusted keys. ERR_VERIFY.
 */
int sshsig_check(const struct sshsig *sig, enum sshsig_namespace name_space, const void *bytes,
		 size_t length, const char *name, struct error *err) CHECKED;
