/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The sources of a matrix behind one interface: find a host's packages, bring them into the
 * cache, and look through them. It joins matrix/ with sources/, which do not know each other.
 *
 * All functions may be called from several threads at once.
 */

#include "distributor/workspace/workspace.h"
#include "matrix/matrix.h"
#include "sources/fetch.h"

struct upstream;

/* `work` and `matrix` are borrowed and must outlive it. ERR_IO, ERR_INPUT. */
int upstream_open(const struct workspace *work, const struct matrix *matrix,
		  struct upstream **ret_up, struct error *err) CHECKED;
void upstream_free(struct upstream *up);
void upstream_freep(struct upstream **up); /* for AUTO() */

/*
 * Adds the packages that the host's source has for it now, as far as its metadata tell: names,
 * versions, files, URLs, and where the metadata are signed or hashed, size and sha256.
 */
int upstream_resolve(struct upstream *up, const struct matrix_host *host, struct package_list *list,
		     struct error *err) CHECKED;

/*
 * Brings the resolved packages of one host into the cache, verifies each as its source demands,
 * and fills in everything that the lock says of it. Packages without emulators are dropped from
 * the list; a host without any emulator is ERR_INPUT. ERR_VERIFY, ERR_NETWORK, ...
 */
int upstream_pin(struct upstream *up, const struct matrix_host *host, struct package_list *list,
		 struct error *err) CHECKED;

/*
 * Brings what a lock has pinned into the cache; `results` has one zeroed element per package, to
 * be released by the caller. With `rehash` the digest of what is there is compared, not only the
 * size. As fetch_packages().
 */
int upstream_fetch(struct upstream *up, const struct package_list *list, bool rehash,
		   struct fetch_result *results, struct error *err) CHECKED;

/* Where the packages are; borrowed. */
struct cache *upstream_cache(const struct upstream *up);

/* The newest version that a host's source has, for `lock --check`; to be freed by the caller. */
int upstream_newest(struct upstream *up, const struct matrix_host *host, char **ret_version,
		    struct error *err) CHECKED;
