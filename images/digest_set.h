/* SPDX-License-Identifier: MIT */
#pragma once

/* A set of digests. */

#include "base/digest.h"

struct digest_set {
	void *root; /* of tsearch(3) */
};

#define DIGEST_SET_INIT {NULL}

/* Returns true if the digest was not there before. */
bool digest_set_add(struct digest_set *set, const struct digest *digest);
bool digest_set_has(const struct digest_set *set, const struct digest *digest);
void digest_set_clear(struct digest_set *set);
