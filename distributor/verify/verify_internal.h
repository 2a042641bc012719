/* SPDX-License-Identifier: MIT */
#pragma once

/* What the steps of verification share. For the sources of sign/ only. */

#include "distributor/documents/release.h"
#include "distributor/verify/verify.h"

int verify_read(const struct verify_files *files, const char *name, size_t max_bytes, bool required,
		const char *check, struct verify_report *report, char **ret_text,
		size_t *ret_length) CHECKED;

/* Whether the last row is about a signal: then nothing else is checked. */
bool verify_interrupted(const struct verify_report *report) CHECKED;

/* What one run of verify_release() has learned so far. */
struct verifying {
	const struct verify_files *files;
	const struct verify_request *request;
	struct verify_report *report;
	struct sums sums;
	struct release_claim claim; /* name NULL: none was read */
	char *comment;              /* minisign's trusted comment, or NULL */
	char *version;              /* of the release, by the list alone, or NULL */
};

/*
 * Steps, in this order. The first returns false if nothing is signed, and the others need not run.
 */
bool verify_signatures(struct verifying *v) CHECKED;
void verify_claim(struct verifying *v);
void verify_contents(struct verifying *v);
void verify_provenance(struct verifying *v);
