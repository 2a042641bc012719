/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A release as its documents describe it, and the documents: what each asset is made of, where its
 * source is, and who built it how.
 *
 * All but the provenance's metadata is a function of matrix, lock and program version.
 */

#include "base/jsonx.h"
#include "model/asset.h"
#include "model/package.h"
#include "model/tool.h"
#include "sign/check/sums.h"

#include <stdbool.h>

/* One tag of the images, the same in every repository. */
struct release_image {
	char *tag;            /* owned by whoever made the list */
	struct digest digest; /* of the manifest or index */
};

/* Everything is borrowed. What is not known is NULL or 0. */
struct release {
	const char *name;        /* of the matrix */
	const char *version;     /* "10.2.2-1" */
	const char *tag;         /* "v10.2.2-1" */
	const char *commit;      /* or NULL */
	const char *repository;  /* "https://github.com/OWNER/REPO", or NULL */
	const struct tool *tool; /* the program that made it */
	int64_t source_date_epoch;
	uint64_t serial;         /* of the lock */
	const char *matrix_file; /* plain file names */
	const char *lock_file;
	struct digest matrix_sha256, lock_sha256;
	const struct asset_list *assets;
	const struct package_list *packages;
	const char *const *repositories; /* of the images: "ghcr.io/owner/name" */
	size_t repository_count;
	const struct release_image *images; /* sorted by tag; none when no image was built */
	size_t image_count;

	/* Only the provenance has these: they differ from run to run. */
	const char *builder;    /* URI of the workflow, or NULL for a run by hand */
	const char *invocation; /* URI of the run, or NULL */
	int64_t started_sec, finished_sec;
};

/* "NAME-VERSION.KIND.json", to be freed by the caller. */
char *release_file_name(const char *name, const char *version, const char *kind) CHECKED;
#define RELEASE_PROVENANCE_NAME "provenance.sigstore.json"

/* The largest of the documents that is read. */
#define RELEASE_MAX_TEXT ((size_t)4 << 20)

/* NAME-VERSION.sources.json: for each asset, where its complete corresponding source is. */
char *release_sources(const struct release *release) CHECKED;

/* NAME-VERSION.spdx.json: SPDX 2.3, assets, packages, sources and what they link statically. */
char *release_spdx(const struct release *release) CHECKED;

/*
 * The number of what a release.json is like. It is raised when a reader of the number before would
 * not find what it needs; a key more is no reason. Every earlier form is read for ever.
 *
 *     none   `distributor` has the version of the program
 *     1      `format`, and `tool` instead, with version and commit
 */
#define RELEASE_FORMAT 1

/*
 * NAME-VERSION.release.json. `documents` are the files beside the assets that it also lists, with
 * their sizes in `sizes`.
 */
char *release_json(const struct release *release, const struct sums *documents,
		   const uint64_t *sizes) CHECKED;

/*
 * The in-toto statement with SLSA provenance over `subjects`, ERR_INPUT if they are more than
 * verifiers take. To be freed by the caller.
 */
int release_provenance(const struct release *release, const struct sums *subjects, char **ret_text,
		       struct error *err) CHECKED;

/* Whether two such statements differ in nothing but the metadata, which is of one run. */
bool release_provenance_is_same(const char *a, const char *b);

/* What `verify` needs from a release.json. */
struct release_claim {
	char *name, *version, *tag, *commit; /* owned; commit may be NULL */
	char *tool;                          /* owned text of the program that made it, or NULL */
	uint64_t format;                     /* 0 where there is none */
	struct sums files;                   /* assets and documents */
	uint64_t *sizes;                     /* of the files, in their order */
};

#define RELEASE_CLAIM_INIT {.name = NULL}

void release_claim_clear(struct release_claim *claim);

/*
 * The format of a release.json, 0 for one without, and the program that made the release; its
 * version is NULL where the document does not say. Strings are borrowed from the document.
 * ERR_INPUT with place.
 */
int release_read_maker(const struct jsonx_doc *doc, uint64_t *ret_format, struct tool *ret_tool,
		       struct error *err) CHECKED;

/*
 * Reads a release.json of any format, also of a later one if it has what is asked for here. Keys
 * that are not known are left alone. ERR_INPUT with place.
 */
int release_claim_parse(const char *text, size_t length, struct release_claim *ret_claim,
			const char *name, struct error *err) CHECKED;
