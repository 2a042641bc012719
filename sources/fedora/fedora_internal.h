/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared by fedora.c, repository.c and koji.c.
 */

#include "sources/fedora/fedora.h"

/* http for repositories: packages are verified by their signature. file for local copies. */
#define FEDORA_ALLOW (HTTP_ALLOW_PLAIN | HTTP_ALLOW_FILE)

/* "qemu-user-static", to be freed by the caller: the prefix of the packages' names. */
char *fedora_binary_name(const struct fedora_query *query) CHECKED;

/*
 * Whether `name` is that of a package with emulators: "qemu-user-static" or
 * "qemu-user-static-FAMILY", without debugging data.
 */
bool fedora_name_fits(const char *binary_name, const char *name);

/* Adds one package; `evr` is copied like the rest. Returns it for URLs, size and digest. */
struct package *
fedora_add(struct package_list *list, const struct fedora_query *query, const struct arch *host,
	   const char *name, const char *evr, const char *file) CHECKED;

/* Removes the nearly empty package if there are others. */
void fedora_drop_metapackage(struct package_list *list, const char *binary_name);

/*
 * Looks for `evr` (NULL: the newest) in one repository of the query and adds its packages to the
 * empty `list`. ERR_NOT_FOUND if it is missing.
 */
int repository_resolve(struct http_client *client, const struct fedora_query *query,
		       const char *repository, const struct arch *host, const char *evr,
		       struct package_list *list, struct error *err) CHECKED;

/* The same for one Koji directory; `evr` is required. */
int koji_resolve(struct http_client *client, const struct fedora_query *query, const char *base,
		 const struct arch *host, const char *evr, struct package_list *list,
		 struct error *err) CHECKED;

/* Adds the URLs of a package in a Koji directory, signed by that key, without checking them. */
void koji_add_urls(const struct fedora_query *query, const char *base, const char *key,
		   struct package *package);

/* The newest version-release for the query's Fedora release that is signed by a pinned key. */
int koji_newest(struct http_client *client, const struct fedora_query *query, const char *base,
		const struct arch *host, char **ret_evr, struct error *err) CHECKED;
