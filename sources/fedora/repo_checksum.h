/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The checksums in the metadata of RPM repositories, of the accepted kinds: SHA-256, and SHA-512,
 * the only one that `createrepo_c -s sha512` writes.
 */

#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SHA512_SIZE 64

enum repo_checksum_kind { REPO_CHECKSUM_NONE, REPO_CHECKSUM_SHA256, REPO_CHECKSUM_SHA512 };

struct repo_checksum {
	enum repo_checksum_kind kind;
	struct digest sha256;
	uint8_t sha512[SHA512_SIZE];
};

/* The kind in the attribute "type", which may be NULL; NONE for a weaker or unknown one. */
enum repo_checksum_kind repo_checksum_kind(const char *type);

/* Parses the digits of such a checksum. Returns false, and NONE, if they are invalid. */
bool repo_checksum_parse(enum repo_checksum_kind kind, const char *text,
			 struct repo_checksum *ret_checksum);

/*
 * Compares the file `fd`, whose `sha256` is known, with the checksum. ERR_VERIFY with `name` and
 * both values; ERR_IO.
 */
int repo_checksum_check(const struct repo_checksum *checksum, int fd, const char *name,
			const struct digest *sha256, struct error *err) CHECKED;
