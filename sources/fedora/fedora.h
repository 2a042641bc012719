/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sources of type "fedora": which packages contain the emulators of a host, and where to find them.
 *
 * A build of QEMU has one package with all emulators (until 7.0.0-4), or a package for each family
 * of targets and a nearly empty one that requires them all. They are looked up in repositories, by
 * their metadata, or in a Koji directory:
 *
 *     REPOSITORY/repodata/repomd.xml                             and from there on
 *     KOJI/qemu/VERSION/RELEASE/ARCH/NAME-V-R.ARCH.rpm           as it was built, not signed
 *     KOJI/qemu/VERSION/RELEASE/data/signed/KEY8/ARCH/...rpm     signed copy, pruned after a while
 *     KOJI/qemu/VERSION/RELEASE/data/sigcache/KEY8/ARCH/...rpm.sig   signature header, stays
 *
 * KEY8 are the last 8 digits of the signer's fingerprint, in lower case.
 */

#include "model/arch.h"
#include "model/package.h"
#include "net/http.h"

#include <stddef.h>
#include <stdint.h>

/* The values from the matrix; all borrowed. */
struct fedora_query {
	const char *source;  /* the key in the matrix' "sources" */
	uint64_t release;    /* 44 */
	const char *package; /* the source package, "qemu" */
	const char *evr;     /* "2:10.2.2-1.fc44", or NULL for the newest in the repositories */
	const char *const *repositories; /* base URLs or "metalink:URL", with {release}, {arch} */
	size_t repository_count;
	const char *const *koji; /* base URLs, "https://.../packages" */
	size_t koji_count;
	const char *const *keys; /* fingerprints that may sign */
	size_t key_count;

	/*
	 * Receives a warning about what will be deleted; may be called more than once. May be NULL.
	 */
	void (*warn)(void *context, const char *sentence);
	void *warn_context;
};

/*
 * Adds the packages with the emulators of `host` to `list`, sorted by name: source, type, host,
 * name, version, arch, file and urls, and size and sha256 where the metadata has them. The nearly
 * empty package is dropped when there are others.
 *
 * Repositories are searched in order until one has the version, then the Koji directories, with a
 * warning: builds that are only there may be from testing, and those that testing drops are deleted
 * after some weeks. URLs of other places that may have the same file follow. URLs of unsigned
 * builds are joined with their signature header (spliced.h). None of this is trusted: see
 * rpm_describe().
 *
 * ERR_NOT_FOUND if this version is nowhere found for this host, or not signed by a pinned key, with
 * everything tried; ERR_INPUT for an invalid query (no package for the host, no version and no
 * repository) and malformed metadata; errors of http_get().
 */
int fedora_resolve(struct http_client *client, const struct fedora_query *query,
		   const struct arch *host, struct package_list *list, struct error *err) CHECKED;

/*
 * The newest version for `host` in the repositories, to be freed by the caller; the Koji
 * directories, whose builds may never leave testing, are searched if there are no repositories.
 * Koji's directory names have no epoch; it is taken from `query->evr`. Errors as above.
 */
int fedora_newest(struct http_client *client, const struct fedora_query *query,
		  const struct arch *host, char **ret_evr, struct error *err) CHECKED;
