/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the reader and the writer of a signature format share: the signed bytes, and the texts
 * around them. Private to sign/.
 */

#ifndef DIST_SIGN_INTERNAL
#error "sign/check/formats.h is internal: read through sshsig.h, minisig.h, dsse.h or simple_signing.h"
#endif

#include "base/strbuf.h"
#include "sign/check/public_key.h"

#include <stdint.h>

/* Each of these is defined beside the reader of its format. */

#define SSHSIG_MAGIC "SSHSIG"
#define SSHSIG_END   "-----END SSH SIGNATURE-----\n"

/* The bytes that an SSH signature is made of; `hash` is that of the message. */
void sshsig_put_preimage(struct strbuf *buf, const char *name_space, const char *hash_name,
			 const void *hash, size_t hash_size);

#define MINISIG_UNTRUSTED "untrusted comment: "
#define MINISIG_TRUSTED   "trusted comment: "

enum {
	MINISIG_BYTES = 2 + MINISIGN_ID_SIZE + SIGNATURE_SIZE, /* "ED", id, signature */
	MINISIG_MAX_TRUSTED = 8192
};

/* One line of printable UTF-8: minisign 0.12 refuses others. */
bool minisig_is_comment(const char *text, size_t length);

/* The bytes that the signature of a DSSE envelope is made of. */
void dsse_put_preimage(struct strbuf *buf, const char *payload, size_t length);

#define SIMPLE_SIGNING_TYPE "cosign container image signature"
