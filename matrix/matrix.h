/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The matrix: which hosts, from which sources, with which targets (docs/design.md, "The matrix").
 *
 * Reading checks everything that can be checked in the file alone; every error names file, line,
 * column and JSON path.
 */

#include "base/error.h"
#include "base/jsonx.h"
#include "base/words.h"
#include "model/arch.h"
#include "model/package.h"

#include <stdbool.h>
#include <stddef.h>

/* Strings are borrowed from the document; those of other types are NULL. */
struct matrix_source {
	const char *key;
	enum source_type type;
	const char *package;        /* fedora: "qemu"; apt: NULL or a package name */
	struct text_list keys;      /* accepted OpenPGP fingerprints, upper-case hex */
	struct text_list key_files; /* fedora, directory: files with these keys */
	struct text_list urls;      /* apt: mirror base URLs tried after the machine's own */
	struct text_list
		repositories;  /* fedora: "metalink:URL" or base URLs with {release}, {arch} */
	struct text_list koji; /* fedora: base URLs of a Koji package directory */
	uint64_t release;      /* fedora: 44 */
	const char *evr;       /* fedora: "2:10.2.2-1.fc44"; NULL: the newest */
	const char *suite;     /* apt: "trixie" */
	const char *keyring;   /* apt: NULL for Debian's own */
	bool allow_expired;    /* apt: accept a Release file past its Valid-Until */
	const char *path;      /* directory */
};

struct matrix_host {
	const struct arch *arch;
	const struct matrix_source *source;
	bool legacy_names;
	const char *version; /* QEMU's, where it is not the release's; or NULL */
};

/* What an exclusion removes. */
enum matrix_only { EXCLUDE_ALL, EXCLUDE_IMAGES, EXCLUDE_TARBALLS };

struct matrix_exclude {
	const char *from; /* NULL: any */
	const char *to;   /* NULL: any */
	enum matrix_only only;
};

/* Whether its `from` and `to` match the pair, whatever `only` is; NULL matches any. */
bool matrix_exclude_covers(const struct matrix_exclude *exclude, const char *from, const char *to);

struct matrix {
	struct jsonx_doc doc;
	const char *name;
	const char *version;     /* "10.2.2-1": QEMU's and the number of our release of it */
	const char *github;      /* "OWNER/REPO" or NULL */
	const char *server;      /* where that is: "https://github.com" */
	struct text_list images; /* image repositories, or none */
	struct matrix_source *sources;
	size_t source_count;
	struct matrix_host *hosts; /* sorted by name */
	size_t host_count;
	bool all_targets;
	struct text_list targets; /* sorted; empty with all_targets */
	struct matrix_exclude *excludes;
	size_t exclude_count;
};

#define MATRIX_INIT {.name = NULL}

/* Reads and checks the file. ERR_NOT_FOUND, ERR_IO, ERR_INPUT. */
int matrix_load(const char *path, struct matrix *ret_matrix, struct error *err) CHECKED;

/* The same from memory; `name` is the file's name in messages. */
int matrix_parse(const char *name, const char *text, size_t length, struct matrix *ret_matrix,
		 struct error *err) CHECKED;

void matrix_clear(struct matrix *matrix);

/*
 * Resolves a path in the matrix: relative paths start at the directory of the matrix. To be freed
 * by the caller; NULL for NULL.
 */
char *matrix_path(const struct matrix *matrix, const char *path) CHECKED;

/* The URL of the GitHub repository, to be freed by the caller, or NULL. */
char *matrix_repository_url(const struct matrix *matrix) CHECKED;

const struct matrix_host *matrix_find_host(const struct matrix *matrix, const char *name);

/*
 * Whether targets and exclusions of the matrix ask for a tarball (or image) of this pair; the lock
 * knows whether the package has the binary. A host's own architecture has a tarball and never an
 * image; there is no image without a tarball.
 */
bool matrix_wants_tarball(const struct matrix *matrix, const char *from, const char *to);
bool matrix_wants_image(const struct matrix *matrix, const char *from, const char *to);

/*
 * The QEMU version required for a host: "10.2.2", or "10.2" for any patch level. To be freed by the
 * caller.
 */
char *matrix_qemu_version(const struct matrix *matrix, const struct matrix_host *host) CHECKED;
