/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The checksums that the metadata of RPM repositories have of each other and of packages, of the
 * kinds that count: SHA-256, and SHA-512, which `createrepo_c -s sha512` writes alone.
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

/* The kind that the attribute "type" names, which may be NULL; NONE for a weaker or unknown one. */
enum repo_checksum_kind repo_checksum_kind(const char *type);

/* Reads the digits of such a checksum. False, with NONE in it, if they are not what it has. */
bool repo_checksum_parse(enum repo_checksum_kind kind, const char *text,
			 struct repo_checksum *ret_checksum);

/*
 * Compares the file `fd`, of which `sha256` is known already, with the checksum. ERR_VERIFY with
 * `name` and both values; ERR_IO.
 */
int repo_checksum_check(const struct repo_checksum *checksum, int fd, const char *name,
			const struct digest *sha256, struct error *err) CHECKED;
