/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The list of files in an RPM package's main header.
 */

#include "base/error.h"
#include "sources/rpm/rpm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpm_file {
	const char *directory; /* "/usr/bin/" */
	const char *base;      /* "qemu-aarch64-static" */
	const char *link;      /* target of a symbolic link, else "" */
	const char *digest;    /* hexadecimal, "" for what has none */
	uint64_t size;
	uint32_t mode; /* with the file type: S_IFREG | 0755 */
	bool ghost;    /* belongs to the package but is not in the payload */
	bool linked;   /* another file later in the list is a hard link to the same data */
};

struct rpm_file_list {
	struct rpm_file *items; /* strings are borrowed from the header */
	size_t count;
	uint32_t digest_algorithm; /* OpenPGP's number: 8 is SHA-256 */
};

/*
 * Reads the list. For a package without files, count is 0. ERR_INPUT when the arrays of the list do
 * not match.
 */
int
rpm_files_load(const struct rpm *rpm, struct rpm_file_list *ret_list, struct error *err) CHECKED;

void rpm_files_clear(struct rpm_file_list *list);
