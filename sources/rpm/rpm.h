/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One RPM package file: its parts and the values in its headers.
 *
 *     lead (96) | signature header, padded to 8 | main header | payload to the end of the file
 *
 * Opening checks only the structure (rpm_header.h); rpm_verify.h checks whether the contents can be
 * trusted.
 */

#include "base/digest.h"
#include "base/error.h"
#include "sources/rpm/rpm_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rpm_tag {
	/* in the signature header */
	RPM_SIGTAG_DSA = 267, /* DSA, ECDSA or EdDSA, over the main header */
	RPM_SIGTAG_RSA = 268, /* RSA, over the main header */
	RPM_SIGTAG_SHA256 = 273,
	RPM_SIGTAG_OPENPGP = 278, /* RPM 6: signatures of any kind over the main header, base64 */
	RPM_SIGTAG_SIZE = 1000,   /* of main header and payload */

	/* in the main header */
	RPM_TAG_NAME = 1000,
	RPM_TAG_VERSION = 1001,
	RPM_TAG_RELEASE = 1002,
	RPM_TAG_EPOCH = 1003,
	RPM_TAG_LICENSE = 1014,
	RPM_TAG_OS = 1021,
	RPM_TAG_ARCH = 1022,
	RPM_TAG_FILE_SIZES = 1028,
	RPM_TAG_FILE_MODES = 1030,
	RPM_TAG_FILE_DIGESTS = 1035,
	RPM_TAG_FILE_LINKS = 1036,
	RPM_TAG_FILE_FLAGS = 1037,
	RPM_TAG_SOURCE_RPM = 1044,
	RPM_TAG_FILE_DEVICES = 1095,
	RPM_TAG_FILE_INODES = 1096,
	RPM_TAG_DIRECTORY_INDEXES = 1116,
	RPM_TAG_BASE_NAMES = 1117,
	RPM_TAG_DIRECTORY_NAMES = 1118,
	RPM_TAG_PAYLOAD_FORMAT = 1124,
	RPM_TAG_PAYLOAD_COMPRESSOR = 1125,
	RPM_TAG_LONG_FILE_SIZES = 5008,
	RPM_TAG_FILE_DIGEST_ALGORITHM = 5011,
	RPM_TAG_PAYLOAD_DIGEST = 5092,
	RPM_TAG_PAYLOAD_DIGEST_ALGORITHM = 5093,
};

struct rpm {
	char *label; /* the file's name without its directory, for messages */
	int fd;      /* owned */
	uint64_t size;

	size_t signature_size; /* of the signature header, without its padding */
	uint64_t header_offset;
	size_t header_size;
	uint64_t payload_offset;

	uint8_t *signature_bytes;
	uint8_t *header_bytes;
	struct rpm_header signature;
	struct rpm_header header;
	struct digest header_sha256; /* computed over the main header */

	/* From the main header, borrowed; name, version, release, arch and os are never NULL. */
	const char *name;
	const char *version;
	const char *release;
	const char *arch;
	const char *os;
	const char *license;    /* NULL if missing */
	const char *source_rpm; /* NULL: this is a source package */
	char *evr;              /* "2:10.2.2-1.fc44", without "0:" if it has no epoch; owned */
};

#define RPM_INIT {.fd = -1}

/*
 * Opens the package at `path`; `label` is its name in messages, NULL for that of the file.
 * ERR_NOT_FOUND, ERR_IO, or ERR_INPUT for a file that is not an RPM package, is cut short within
 * its headers or has a malformed one.
 */
int rpm_open(const char *path, const char *label, struct rpm *ret_rpm, struct error *err) CHECKED;

void rpm_clear(struct rpm *rpm);

/*
 * Adds the signature to an unsigned build: writes to `fd` the lead of `unsigned_path`, the
 * signature header in `signature_path` (from Koji's sigcache), padding, then main header and
 * payload of `unsigned_path`. The result is byte for byte the signed copy.
 *
 * ERR_INPUT if either is malformed, ERR_VERIFY if the signature header is for another main header,
 * ERR_IO. The signer is not verified: use rpm_verify() on the result.
 */
int rpm_splice(const char *unsigned_path, const char *signature_path, int fd,
	       struct error *err) CHECKED;
