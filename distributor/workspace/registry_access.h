/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How registries are reached and who says who we are: what --auth-file, --ca, --plain-http and
 * --token-server say, the same for every command that talks to a registry.
 */

#include "base/words.h"
#include "images/registry/auth.h"

#include <stdbool.h>

/* Strings are borrowed; all zero is what a command without these options has. */
struct registry_access {
	const char *auth_file; /* NULL: those of docker, podman and skopeo */
	const char *ca_file;   /* NULL: the system's certificates */
	struct text_list token_servers;
	bool plain_http;
};

/* The part of it that images/registry takes; borrows from `access`. */
struct auth_options
registry_access_auth(const struct registry_access *access, enum auth_login login);
