/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The packlist, OUT/packed.json: what the tarballs were made from and how, and what the image
 * layers need of it. OUT/assets.json (model/asset.h) is derived from it.
 *
 * It holds expectations, not facts: code that relies on a file compares its sha256 with the one
 * here.
 */

#include "base/digest.h"
#include "base/error.h"
#include "model/asset.h"
#include "pack/tarball.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen_files;

#define PACKLIST_NAME "packed.json"

/* One pair: a member and the tarball it is in. */
struct packlist_member {
	struct packed_member packed;
	struct written_file tarball;
	struct digest diff_id; /* of the pair's layer, see pack/layer.h */
	char *package;         /* its file name, "qemu-user_10.0.13+ds-0+deb13u1_amd64.deb" */
	char *package_version;
	struct digest package_sha256;
};

struct packlist_host {
	char *name; /* "x86_64" */
	bool legacy_names;
	/* The all-in-one layer's diff_id, zero if unknown, and the targets it covers. */
	struct digest all_in_one_diff_id;
	char **all_in_one_targets;
	size_t all_in_one_count;
	struct packlist_member *members; /* sorted by target */
	size_t count;
};

struct packlist {
	char *compressor; /* deflater_identity() */
	int64_t source_date_epoch;
	struct packlist_host *hosts; /* sorted by name */
	size_t count;
};

#define PACKLIST_INIT {.compressor = NULL}

/* Reads a packlist and checks its form. ERR_NOT_FOUND, ERR_IO, ERR_INPUT. */
int packlist_load(const char *path, struct packlist *ret_manifest, struct error *err) CHECKED;

/* The same; a text that was read before is not read again. */
int packlist_load_seen(struct seen_files *seen, const char *path, struct packlist *ret_manifest,
		       struct error *err) CHECKED;

/* The same from memory; `name` is the file's name in messages. */
int packlist_parse(const char *name, const char *text, size_t length, struct packlist *ret_manifest,
		   struct error *err) CHECKED;

/* The text of the file, to be freed by the caller. */
char *packlist_format(const struct packlist *packlist) CHECKED;

void packlist_clear(struct packlist *packlist);

/* The host or member of that name, or NULL. */
const struct packlist_host *packlist_find_host(const struct packlist *packlist, const char *name);
const struct packlist_member *
packlist_find_member(const struct packlist_host *host, const char *target);

/* Adds an empty host, keeping the order. Valid until the next call. */
struct packlist_host *packlist_add_host(struct packlist *packlist, const char *name);
void packlist_host_clear(struct packlist_host *host);

/* Adds a copy of the member at the end. */
void packlist_add_member(struct packlist_host *host, const struct packlist_member *member);

/* Adds a target to those that the all-in-one diff_id covers. */
void packlist_add_all_in_one(struct packlist_host *host, const char *target);

/* Adds a copy of a host of another packlist, keeping the order. */
void packlist_copy_host(struct packlist *packlist, const struct packlist_host *from);

/* Adds the assets of all hosts: tarballs, and the files under the legacy names. */
void packlist_list_assets(const struct packlist *packlist, struct asset_list *list);

/* "x86_64_qemu-arm-static.tar.gz" and "qemu-arm-static.tar.gz", to be freed by the caller. */
char *tarball_name(const char *host, const char *target) CHECKED;
char *legacy_tarball_name(const char *target) CHECKED;
