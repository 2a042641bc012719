/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Credential helpers: programs "docker-credential-NAME" that keep secrets in a keychain.
 */

#include "images/registry/credentials.h"

/*
 * Asks the helper: "docker-credential-NAME get" with the registry on standard input. Returns 1, 0
 * when it knows none or no secret, or -1: ERR_NOT_FOUND (it is not installed), ERR_IO (it fails, or
 * answers nonsense).
 */
int credential_helper_ask(const char *name, const struct reference *repository,
			  struct credentials *ret_credentials, struct error *err) CHECKED;
