/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The user name and password, or token, that people keep for a registry: the files and helpers of
 * docker, podman, skopeo and buildah.
 */

#include "base/error.h"
#include "images/reference.h"

#include <stdbool.h>
#include <stddef.h>

struct credentials {
	char *user;
	char *secret;        /* password or access token; wiped on release */
	bool identity_token; /* the secret is a refresh token for the token server (OAuth2) */
	char *origin;        /* the file or helper it came from, for messages */
};

#define CREDENTIALS_INIT {NULL, NULL, false, NULL}

/* What docker calls the registry: its own under an old address, others by their host. Borrowed. */
const char *credentials_server(const struct reference *repository);

void credentials_clear(struct credentials *credentials);

/*
 * Keeps the secret, which has to be there, out of all messages, also in the form in which it is
 * sent: servers repeat what they refuse.
 */
void credentials_hide(const struct credentials *credentials);

/* "Basic ...", the value of Authorization, to be freed by the caller, wiped. */
char *credentials_basic(const struct credentials *credentials) CHECKED;

/*
 * Looks for credentials of the registry of `repository`. With `auth_file` only in that file, which
 * has to be there; else in
 *
 *     $REGISTRY_AUTH_FILE
 *     $XDG_RUNTIME_DIR/containers/auth.json
 *     $XDG_CONFIG_HOME/containers/auth.json      (~/.config)
 *     $DOCKER_CONFIG/config.json                 (~/.docker)
 *     ~/.dockercfg
 *
 * the first of them that knows the registry. In a file "credHelpers" come first (an empty name
 * means the file's own entry), then "auths", where the most specific of HOST/PATH, ..., HOST wins,
 * then "credsStore". As docker reads it: names of members without regard to case, an empty file as
 * one without entries, and without a secret nobody is known.
 *
 * Returns 1, 0 when nobody knows any, or -1: ERR_INPUT names the file that is malformed (and never
 * shows a part of it), ERR_NOT_FOUND, ERR_IO (a helper fails). A helper that is not installed
 * knows nobody; then `*ret_absent` is a sentence about it, to be freed by the caller, else NULL.
 */
int
credentials_find(const char *auth_file, const struct reference *repository,
		 struct credentials *ret_credentials, char **ret_absent, struct error *err) CHECKED;

/*
 * The part for the text of one file. `legacy` is the form of ~/.dockercfg, without "auths". The
 * helper that the file names is stored in `*ret_helper` (to be freed) instead of being asked.
 * Returns 1 with credentials or a helper, 0 for neither, -1 with ERR_INPUT.
 */
int credentials_parse(const char *name, const char *text, size_t length, bool legacy,
		      const struct reference *repository, struct credentials *ret_credentials,
		      char **ret_helper, struct error *err) CHECKED;
