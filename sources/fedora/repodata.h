/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The metadata of an RPM repository: metalink -> repodata/repomd.xml -> *-primary.xml.
 *
 * None of it is signed in Fedora. Each document has the digest of the next, which detects damage
 * and stale mirrors; only the signature of each package is trusted.
 */

#include "base/digest.h"
#include "base/error.h"
#include "sources/decompress.h"
#include "sources/fedora/repo_checksum.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METALINK_MAX_DIGESTS 16
#define METALINK_MAX_URLS    32

/* A metalink for repomd.xml. */
struct metalink {
	struct digest digests[METALINK_MAX_DIGESTS]; /* any of them is valid: the current one first,
						      * then those that mirrors may still have */
	size_t digest_count;
	char *urls[METALINK_MAX_URLS]; /* of repomd.xml, the preferred one first; owned */
	size_t url_count;
};

/*
 * Reads a metalink. URLs other than http, https and file, and those over the limit, are skipped.
 * ERR_INPUT if it is not a metalink for repomd.xml, or has no SHA-256 or URL.
 */
int metalink_parse(const char *name, const char *text, size_t length, struct metalink *ret_metalink,
		   struct error *err) CHECKED;
void metalink_clear(struct metalink *metalink);

/* The entry for the list of packages in repomd.xml. */
struct repomd {
	char *location; /* relative to the repository: "repodata/...-primary.xml.zst"; owned */
	char *base;     /* the URL that it is relative to instead, or NULL; owned */
	struct repo_checksum checksum; /* of that file, compressed */
	uint64_t size;                 /* in bytes; 0 if unknown */
};

/*
 * ERR_INPUT if it is not a repomd.xml, or has no primary list with a SHA-256 or SHA-512 and a safe
 * location.
 */
int repomd_parse(const char *name, const char *text, size_t length, struct repomd *ret_repomd,
		 struct error *err) CHECKED;
void repomd_clear(struct repomd *repomd);

/* One package of the list. All strings are valid during the call only. */
struct repo_package {
	const char *name;
	const char *arch;
	const char *evr;        /* "2:10.2.2-1.fc44"; without "0:" */
	const char *location;   /* relative to the repository: "Packages/q/qemu-....rpm" */
	const char *base;       /* the URL that it is relative to instead, or NULL */
	const char *file;       /* the last part of the location, without percent encoding */
	const char *source_rpm; /* "" if unknown */
	struct repo_checksum checksum;
	uint64_t size;
	const char *fault;  /* why it cannot be used, like "has no size", or NULL */
	bool has_emulators; /* /usr/bin/qemu-... is among its files */
};

/*
 * Reads the compressed list of packages in `fd` from its beginning, and calls `found` for each
 * package called `name_prefix` or `name_prefix-...`; -1 from it stops. A package among them without
 * checksum, size or safe location has a `fault`, which matters only if that package is needed.
 * ERR_INPUT for one without architecture or version, and for a list of more than 4 GiB.
 */
int primary_scan(int fd, enum compression compression, const char *name, const char *name_prefix,
		 int (*found)(void *context, const struct repo_package *package, struct error *err),
		 void *context, struct error *err) CHECKED;

/*
 * Whether a location stays below its repository: relative, without "..", query and control
 * characters, also after percent decoding.
 */
bool location_is_safe(const char *location);

/* `length` bytes of a reference, percent-decoded, to be freed by the caller. */
char *location_decode(const char *text, size_t length) CHECKED;

/* Whether a file name has only the characters of package names and versions. */
bool package_file_is_plain(const char *name);
