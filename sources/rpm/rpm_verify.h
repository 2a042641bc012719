/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Can the contents of an RPM package be trusted?
 *
 * The chain: a pinned key signs the main header (signature header, tags 268, 267 or 278), and the
 * main header has the SHA-256 of the payload (tag 5092) and of each file (tag 1035). MD5 and SHA-1
 * are ignored, like the old signatures over header and payload together (1002, 1005).
 */

#include "sources/rpm/openpgp.h"
#include "sources/rpm/rpm.h"

/* The expected package. */
struct rpm_identity {
	const char *name; /* "qemu-user-static-aarch64" */
	const char *evr;  /* "2:10.2.2-1.fc44" */
	const char *arch; /* "x86_64", in Fedora's spelling */
};

/*
 * Verifies the open package, reading its payload once. Unless `identity` is NULL it must be that
 * package; it must always be for Linux and not a source package. Fills `*ret_signer`.
 *
 * ERR_VERIFY with what is wrong, on which package, and what to do about it where possible: cut
 * short, not signed, weakly signed, signed by a key that is not pinned, altered (header or
 * payload), payload not covered by the signature, a source package, or another package.
 */
int
rpm_verify(const struct rpm *rpm, struct openpgp_keyring *ring, const struct rpm_identity *identity,
	   struct openpgp_signer *ret_signer, struct error *err) CHECKED;

/* The same without the payload, for when it is not available. */
int rpm_verify_header(const struct rpm *rpm, struct openpgp_keyring *ring,
		      const struct rpm_identity *identity, struct openpgp_signer *ret_signer,
		      struct error *err) CHECKED;
