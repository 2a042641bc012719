/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Signs in-toto statements, as DSSE envelopes in sigstore bundles.
 */

#include "sign/make/key.h"

/*
 * Signs an in-toto statement after checking it (version 1, subjects with sha256), and returns the
 * bundle, to be freed by the caller. The payload is exactly these bytes. ERR_INPUT, ERR_VERIFY (see
 * struct signer).
 */
int dsse_sign_statement(const struct signer *signer, const char *statement, size_t length,
			char **ret_bundle, struct error *err) CHECKED;
