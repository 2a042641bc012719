/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * In-toto statements, version 1: the files (subjects) of a claim (the predicate).
 */

#include "sign/check/sums.h"

#define STATEMENT_TYPE         "https://in-toto.io/Statement/v1"
#define STATEMENT_MAX_SUBJECTS 1024 /* sigstore-go and actions/attest stop there */

#define PREDICATE_PROVENANCE "https://slsa.dev/provenance/v1"
#define PREDICATE_COSIGN     "https://sigstore.dev/cosign/sign/v1"

struct statement {
	struct sums subjects; /* a subject without a name (an image) has the name "" */
	char *predicate_type;
};

#define STATEMENT_INIT {SUMS_INIT, NULL}

void statement_clear(struct statement *statement);

/*
 * Reads the subjects and the type of the predicate, but not the predicate. ERR_INPUT with the
 * position.
 */
int statement_parse(const char *text, size_t length, struct statement *ret_statement,
		    const char *name, struct error *err) CHECKED;

/* What cosign signs for an image: its digest and nothing else. To be freed by the caller. */
char *statement_for_image(const struct digest *manifest) CHECKED;
