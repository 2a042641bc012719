/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The assets made from packages: OUT/assets.json, which `tarballs` writes and signing, verification
 * and publishing read. Plain values, passed between the folders.
 */

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

#define ASSETS_NAME "assets.json"

enum asset_kind {
	ASSET_TARBALL,        /* "$from_qemu-$to-static.tar.gz" */
	ASSET_LEGACY_TARBALL, /* "qemu-$to-static.tar.gz", the same bytes */
	ASSET_LEGACY_BINARY,  /* "qemu-$to-static", the program itself */
};

/* Strings are owned. */
struct asset {
	char *name; /* a plain name, as on the release page */
	enum asset_kind kind;
	uint64_t size; /* in bytes */
	struct digest sha256;
	char *host;    /* from_arch */
	char *target;  /* to_arch */
	char *package; /* file name of the package that the program comes from */
	struct digest package_sha256;
	uint64_t member_size; /* of the program */
	struct digest member_sha256;
};

struct asset_list {
	char *name;    /* of the matrix */
	char *version; /* of the release */
	int64_t source_date_epoch;
	struct digest lock_sha256; /* of the lock that it was made from */
	struct asset *items;
	size_t count;
};

#define ASSET_LIST_INIT {.name = NULL}

void asset_list_clear(struct asset_list *list);

/* Adds a zeroed asset at the end and returns it; valid until the next call. */
struct asset *asset_list_add(struct asset_list *list);

/* Sorts by name, which is the order of the file. */
void asset_list_sort(struct asset_list *list);

/* The text of the file, to be freed by the caller. Sorts. */
char *asset_list_format(struct asset_list *list) CHECKED;

/* Reads the file. ERR_NOT_FOUND, ERR_IO, ERR_INPUT with the position. */
int asset_list_load(const char *path, struct asset_list *ret_list, struct error *err) CHECKED;

/* The same from memory; `name` is the file's name in messages. */
int asset_list_parse(const char *name, const char *text, size_t length, struct asset_list *ret_list,
		     struct error *err) CHECKED;

/* "tarball", "legacy-tarball", "legacy-binary". */
const char *asset_kind_name(enum asset_kind kind);
