/* SPDX-License-Identifier: MIT */
#pragma once

/* Shared by the writers of the release documents. For the sources of documents/ only. */

#include "distributor/documents/release.h"

struct json_t;

#define RELEASE_TIME_SIZE 32

/* "2025-08-27T00:00:00Z"; returns `text`. */
char *release_time(int64_t time_sec, char text[RELEASE_TIME_SIZE]);

/* The locked package that an asset was made from, or NULL. */
const struct package *
release_find_package(const struct release *release, const struct asset *asset);

/* Where the asset can be downloaded, to be freed by the caller, or NULL if that is not known. */
char *release_asset_url(const struct release *release, const char *name) CHECKED;

/* The text of the document; frees `root`. */
char *release_text(struct json_t *root) CHECKED;
