#pragma once

/*
 * Parts of a release: OUT directories that other machines made, each for some hosts.
 */

#include "base/asset.h"
#include "base/error.h"
#include "matrix/lock.h"
#include "pack/manifest.h"

#include <stddef.h>

/* What the parts have to be of, and what joining them gives. */
struct parts {
	const struct lock *lock;  /* borrowed */
	struct manifest manifest; /* of all parts */
	struct asset_list assets;
};

void parts_release(struct parts *parts);

/*
 * Reads the lists of one part and adds them. ERR_INPUT: of another lock, date or compressor, or
 * with a host that another part has too; ERR_VERIFY: a program that is not the lock's.
 */
int parts_add(struct parts *parts, const char *directory, struct error *err) CHECKED;

/*
 * Takes over the assets of one part into `assets`, comparing size and sha256. What is there
 * already is left. ERR_VERIFY names the file. ERR_IO.
 */
int parts_take_assets(const char *directory, const char *assets, struct error *err) CHECKED;

/* Writes OUT/packed.json and OUT/assets.json. ERR_IO. */
int parts_write_lists(struct parts *parts, const char *out, struct error *err) CHECKED;
