/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * In-toto statements, version 1: which files a claim (the predicate) is about.
 */

#include "sign/check/sums.h"

#define STATEMENT_TYPE         "https://in-toto.io/Statement/v1"
#define STATEMENT_MAX_SUBJECTS 1024 /* sigstore-go and actions/attest stop there */

#define PREDICATE_PROVENANCE "https://slsa.dev/provenance/v1"
#define PREDICATE_COSIGN     "https://sigstore.dev/cosign/sign/v1"

struct statement {
	struct sums subjects; /* a subject without a name (an image) is called "" */
	char *predicate_type;
};

#define STATEMENT_INIT {SUMS_INIT, NULL}

void statement_clear(struct statement *statement);

/* Reads the subjects and the kind of the predicate, which is left unread. ERR_INPUT with place. */
int statement_parse(const char *text, size_t length, struct statement *ret_statement,
		    const char *name, struct error *err) CHECKED;

/* What cosign signs for an image: its digest and nothing else. To be freed by the caller. */
char *statement_for_image(const struct digest *manifest) CHECKED;
