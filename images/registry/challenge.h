/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The field WWW-Authenticate: what a registry wants to see before it answers (RFC 9110, 11.6.1).
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

enum challenge_scheme { CHALLENGE_BASIC, CHALLENGE_BEARER, CHALLENGE_OTHER };

/* Strings are owned; a parameter that is not there is NULL. */
struct challenge {
	enum challenge_scheme scheme;
	char *realm;
	char *service;
	char *scope; /* one or more, separated by blanks */
	char *error; /* "insufficient_scope", "invalid_token" */
};

struct challenges {
	struct challenge *items;
	size_t count;
};

#define CHALLENGES_INIT {NULL, 0}

/*
 * Adds the challenges of one field value, which may hold several, to the list. Returns false for a
 * value that is malformed, absurdly long, or holds too many; then the list is as before.
 */
bool challenges_parse(const char *value, struct challenges *list) CHECKED;

/* The first of a scheme, or NULL; borrowed. */
const struct challenge *
challenges_find(const struct challenges *list, enum challenge_scheme scheme);

void challenges_clear(struct challenges *list);
