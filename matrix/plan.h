/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The plan: what a matrix will produce, cell by cell, and how close that is to GitHub's limits.
 */

#include "matrix/lock.h"
#include "matrix/matrix.h"

enum plan_state {
	PLAN_EMPTY,    /* the package does not have this binary */
	PLAN_LOCKED,   /* pinned in the lock */
	PLAN_EXPECTED, /* no lock; that QEMU version has this target */
	PLAN_EXCLUDED, /* the matrix excludes it, tarball and image */
};

struct plan_cell {
	enum plan_state state;
	bool tarball;                  /* a tarball is made */
	bool image;                    /* a pair image is made */
	const struct package *package; /* with PLAN_LOCKED; borrowed from the lock */
	const struct member *member;
};

struct plan_host {
	const struct matrix_host *host;
	char *qemu_version;          /* owned */
	const char *package_version; /* borrowed from the lock, or NULL */
	size_t tarballs, images;
};

struct plan {
	const struct matrix *matrix;
	const struct lock *lock; /* NULL: nothing is locked */
	const char **targets;    /* the rows, sorted; those that any host has or should have */
	size_t target_count;
	struct plan_host *hosts; /* the columns, in the matrix' order */
	size_t host_count;
	struct plan_cell *cells; /* row by row */
	size_t tarballs;         /* $from_qemu-$to-static.tar.gz */
	size_t legacy_assets;    /* qemu-$to-static.tar.gz and qemu-$to-static */
	size_t release_files;    /* checksums, signatures, provenance, SBOM ... */
	size_t pair_images;
	size_t all_in_one; /* images of hosts that have a pair image */
	size_t registrars; /* images of only the registrar, one per host; none if there are no pair
			    * images */
	size_t indexes;    /* over hosts: of each target with an image, `latest`, `register` */
};

#define PLAN_INIT {.matrix = NULL}

/* GitHub's hard limit, and how many assets GITHUB_TOKEN can upload in an hour. */
enum { PLAN_MAX_ASSETS = 1000, PLAN_HOURLY_ASSETS = 450 };

/* `lock` may be NULL. Both must outlive the plan. */
void plan_make(const struct matrix *matrix, const struct lock *lock, struct plan *ret_plan);

/* The plan for the `count` named hosts of the matrix; for all of them if `count` is 0. */
void plan_make_for(const struct matrix *matrix, const struct lock *lock, const char *const *names,
		   size_t count, struct plan *ret_plan);

void plan_clear(struct plan *plan);

const struct plan_cell *plan_cell(const struct plan *plan, size_t target, size_t host);

/* All assets of the release page. */
size_t plan_assets(const struct plan *plan);

/* A warning that one of GitHub's limits will be reached, to be freed by the caller, or NULL. */
char *plan_warning(const struct plan *plan) CHECKED;
