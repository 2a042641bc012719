/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SHA256SUMS: "<64 lower-case hexadecimal digits>  <name>\n" for each file, sorted by the bytes of
 * the names. No comments (BusyBox refuses them), no paths, no blank lines, LF line ends.
 */

#include "base/digest.h"

#define SUMS_NAME      "SHA256SUMS"
#define SUMS_MAX_TEXT  ((size_t)1 << 20)
#define SUMS_MAX_FILES 4096

struct sums_entry {
	char *name;
	struct digest sha256;
};

struct sums {
	struct sums_entry *entries;
	size_t count;
};

#define SUMS_INIT {NULL, 0}

void sums_clear(struct sums *sums);

/* Adds a file; `name` is copied and must be a plain name. ERR_INPUT. */
int sums_add(struct sums *sums, const char *name, const struct digest *sha256,
	     struct error *err) CHECKED;

/*
 * The text, sorted, to be freed by the caller. ERR_INPUT if two files have the same name, or there
 * are no files.
 */
int sums_format(struct sums *sums, char **ret_text, struct error *err) CHECKED;

/* Reads exactly what sums_format() writes. ERR_INPUT with `name` and the line. */
int sums_parse(const char *text, size_t length, struct sums *ret_sums, const char *name,
	       struct error *err) CHECKED;

/*
 * The version in the name of the one file "NAME-VERSION.release.json" in the text of a list; NULL
 * if there is none, or more than one. The text may be malformed: this is for checking whether its
 * signer may sign that release. To be freed by the caller.
 */
char *sums_release_version(const char *text) CHECKED;

/* The entry of this name, or NULL. */
const struct sums_entry *sums_find(const struct sums *sums, const char *name);

/* An entry with these bytes, or NULL. */
const struct sums_entry *sums_find_digest(const struct sums *sums, const struct digest *sha256);
