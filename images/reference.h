/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names of image repositories and tags, as people write them and as registries want them.
 */

#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>

/* "REGISTRY/PATH[:TAG][@sha256:HEX]"; strings are owned. */
struct reference {
	char *registry; /* as it is named: "docker.io", "ghcr.io", "localhost:5000" */
	char *host;     /* that answers: "registry-1.docker.io" for "docker.io", else the same */
	char *path;     /* "owner/repo"; "library/x" for a bare name at docker.io */
	char *tag;      /* NULL: none given */
	bool has_digest;
	struct digest digest;
};

#define REFERENCE_INIT {.registry = NULL}

/*
 * Reads a name. A first part without '.', ':' and other than "localhost" is not a registry: then
 * it is a name at docker.io, as Docker has it. ERR_INPUT says what is wrong with it.
 */
int reference_parse(const char *text, struct reference *ret_reference, struct error *err) CHECKED;

/* The same, but neither tag nor digest may be there: "docker.io/owner/repo". */
int reference_parse_repository(const char *text, struct reference *ret_reference,
			       struct error *err) CHECKED;

void reference_clear(struct reference *reference);

/* "docker.io/owner/repo", to be freed by the caller. */
char *reference_repository(const struct reference *reference) CHECKED;

/* [A-Za-z0-9_][A-Za-z0-9._-]{0,127} */
bool reference_tag_is_valid(const char *tag);

/* The registry's host is this machine: "localhost", 127.0.0.0/8, [::1], with or without port. */
bool reference_host_is_loopback(const char *host);
