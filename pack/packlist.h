#pragma once

/*
 * The manifest of the packed programs, OUT/packed.json: what the tarballs were made from and how,
 * and what of it the image layers need. OUT/assets.json (model/asset.h) follows from it.
 *
 * It holds expectations, not truths: whoever relies on a file compares its sha256 with the one
 * that stands here.
 */

#include "base/digest.h"
#include "base/error.h"
#include "model/asset.h"
#include "pack/tarball.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_NAME "packed.json"

/* One pair: a member and the tarball it is in. */
struct manifest_member {
	struct packed_member packed;
	struct written_file tarball;
	struct digest diff_id; /* of the pair's layer, see pack/layer.h */
	char *package;         /* the file it came in, "qemu-user_10.0.13+ds-0+deb13u1_amd64.deb" */
	char *package_version;
	struct digest package_sha256;
};

struct manifest_host {
	char *name; /* "x86_64" */
	bool legacy_names;
	/* The all-in-one layer's diff_id, zero if it is not known, and the targets it is over. */
	struct digest all_in_one_diff_id;
	char **all_in_one_targets;
	size_t all_in_one_count;
	struct manifest_member *members; /* sorted by target */
	size_t count;
};

struct manifest {
	char *compressor; /* deflater_identity() */
	int64_t source_date_epoch;
	struct manifest_host *hosts; /* sorted by name */
	size_t count;
};

#define MANIFEST_INIT                                                                              \
	{                                                                                          \
		.compressor = NULL                                                                 \
	}

/* Reads a manifest and checks its form. ERR_NOT_FOUND, ERR_IO, ERR_INPUT. */
int manifest_load(const char *path, struct manifest *ret_manifest, struct error *err) CHECKED;

/* The same from memory; `name` stands for the file in messages. */
int manifest_parse(const char *name, const char *text, size_t length, struct manifest *ret_manifest,
		   struct error *err) CHECKED;

/* The text of the file, to be freed by the caller. */
char *manifest_format(const struct manifest *manifest) CHECKED;

void manifest_release(struct manifest *manifest);

/* The host or member of that name, or NULL. */
const struct manifest_host *manifest_find_host(const struct manifest *manifest, const char *name);
const struct manifest_member *
manifest_find_member(const struct manifest_host *host, const char *target);

/* Adds an empty host, keeping the order. Valid until the next call. */
struct manifest_host *manifest_add_host(struct manifest *manifest, const char *name);
void manifest_host_release(struct manifest_host *host);

/* Adds a copy of the member at the end. */
void manifest_add_member(struct manifest_host *host, const struct manifest_member *member);

/* Adds a target to those that the all-in-one diff_id is over. */
void manifest_add_all_in_one(struct manifest_host *host, const char *target);

/* Adds a copy of a host of another manifest, keeping the order. */
void manifest_copy_host(struct manifest *manifest, const struct manifest_host *from);

/* Adds the assets of all hosts: tarballs, and under the legacy names what goes by them. */
void manifest_list_assets(const struct manifest *manifest, struct asset_list *list);

/* "x86_64_qemu-arm-static.tar.gz" and "qemu-arm-static.tar.gz", to be freed by the caller. */
char *tarball_name(const char *host, const char *target) CHECKED;
char *legacy_tarball_name(const char *target) CHECKED;
