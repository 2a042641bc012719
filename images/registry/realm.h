/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The token server that a registry names ("realm"), and whether it may see a login.
 */

#include "base/error.h"
#include "images/reference.h"
#include "images/registry/auth_options.h"

#include <stdbool.h>

/*
 * Whether credentials for the registry `host` may be sent to the token server at `realm_host`: the
 * same host, or one of the same owner as far as the names tell ("registry-1.docker.io" and
 * "auth.docker.io").
 */
bool realm_is_related(const char *host, const char *realm_host);

/* Whether the user has said that this server is the right one. */
bool realm_is_named(const struct auth_options *options, const char *realm);

/*
 * ERR_VERIFY for a URL that nobody should be asked for a token at, or that is not obviously the
 * registry's own when there is a login to be sent.
 */
int realm_check(const struct auth_options *options, const struct reference *repository,
		bool has_login, const char *realm, struct error *err) CHECKED;
