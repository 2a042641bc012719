/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a release says of itself in its release.json: from what, and by what, it was made.
 */

#include "base/digest.h"
#include "base/jsonx.h"
#include "distributor/verify/verify.h"
#include "model/tool.h"

struct release_origin {
	struct jsonx_doc doc; /* owns all strings here but the repositories' list */
	const char *name, *version, *tag, *commit;
	struct tool tool; /* the program that made it */
	uint64_t format;  /* 0 where there is none */
	const char *matrix_file, *lock_file;
	struct digest matrix_sha256, lock_sha256;
	int64_t source_date_epoch;
	const char **repositories; /* of images; the array is owned */
	size_t repository_count;
	bool has_images;
};

#define RELEASE_ORIGIN_INIT {.name = NULL}

void release_origin_clear(struct release_origin *origin);

/*
 * Finds NAME-VERSION.release.json by SHA256SUMS and reads it. ERR_NOT_FOUND, ERR_INPUT, ERR_VERIFY
 * if it does not match SHA256SUMS; errors of `files`.
 */
int release_origin_read(const struct verify_files *files, struct release_origin *ret_origin,
			struct error *err) CHECKED;

/* The digest of the image that the release has under this name. ERR_INPUT; 0 when there is none. */
int release_origin_image(const struct release_origin *origin, size_t index, const char **ret_tag,
			 struct digest *ret_digest, struct error *err) CHECKED;
