/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One package as the lock pins it, and its members. Plain values, passed between the folders.
 */

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One emulator binary inside a package. */
struct member {
	char *target;  /* QEMU spelling: "aarch64" */
	char *path;    /* inside the package, without a leading "./": "usr/bin/qemu-aarch64" */
	uint64_t size; /* in bytes */
	struct digest sha256;
};

/* The type of source that a package comes from; the words of "type" in the matrix. */
enum source_type { SOURCE_FEDORA, SOURCE_APT, SOURCE_DIRECTORY };

/* All strings are owned. A string that does not apply is NULL, a time is 0. */
struct package {
	char *source; /* the key in the matrix' "sources" */
	enum source_type type;
	char *host;    /* from_arch, `uname -m` spelling */
	char *name;    /* "qemu-user-static-aarch64" */
	char *version; /* the package's own: rpm "2:10.2.2-1.fc44", deb "1:10.0.13+ds-0+deb13u1" */
	char *arch;    /* as the distribution spells it: "arm64" */
	char *file;    /* plain file name, no '/' */
	char **urls;   /* where to download it, tried in order; may be empty for apt */
	size_t url_count;
	uint64_t size; /* in bytes, exact */
	struct digest sha256;
	char *qemu_version; /* "10.2.2" */

	/* RPM only */
	struct digest header_sha256; /* of the main header, the same for every signed copy */
	char *signer;                /* fingerprint, upper-case hexadecimal; apt: of InRelease */
	int64_t signed_sec;          /* time of the signature; apt: Date of InRelease */

	/* apt only */
	char *suite;
	char *pool_path; /* Filename of the Packages index, below the mirror's base URL */

	char *source_package; /* "qemu-10.2.2-1.fc44.src.rpm" or "qemu (= 1:10.0.13+ds-0+deb13u1)"
			       */
	char *license;        /* as stated in the package; NULL for debs */
	char **built_using;   /* Debian's Built-Using and Static-Built-Using: "glibc (= 2.41-12)" */
	size_t built_using_count;

	struct member *members; /* sorted by target; none for an empty metapackage */
	size_t member_count;
};

/*
 * An RPM's epoch:version-release without an epoch of 0, which equals none: some packages state it,
 * some lists omit it. Points into `evr`.
 */
const char *package_plain_evr(const char *evr);

void package_clear(struct package *package);

struct package_list {
	struct package *items;
	size_t count;
};

#define PACKAGE_LIST_INIT {NULL, 0}

void package_list_clear(struct package_list *list);

/* Adds a zeroed package at the end and returns it; valid until the next call. */
struct package *package_list_add(struct package_list *list);

/* Sorted by host, source, name, then file: the order of the lock. */
void package_list_sort(struct package_list *list);

/* Add to a package; the strings are copied. */
void package_add_url(struct package *package, const char *url);
void package_add_built_using(struct package *package, const char *entry);
struct member *package_add_member(struct package *package, const char *target, const char *path);
void package_sort_members(struct package *package);

/* The words of the matrix: "fedora", "apt", "directory". */
const char *source_type_name(enum source_type type);
bool source_type_parse(const char *name, enum source_type *ret_type) CHECKED;
