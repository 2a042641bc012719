/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What `verify` prints: a row for each check, and at the end by which key and which list.
 */

#include "distributor/verify/verify.h"
#include "sign/check/keyring.h"

/* {"verified", "tag", "signers", "keys", "checks"} on standard output. */
void verify_output_json(const struct verify_report *report, const struct keyring *keyring);

/* The table; `quiet`: of what failed alone. */
void verify_output_table(const struct verify_report *report, bool quiet);

/* "WHAT is verified, signed by SHA256:... from PATH", of a report without failures. */
void verify_output_sentence(const struct verify_report *report, const struct keyring *keyring,
			    const char *what);
