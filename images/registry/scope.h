/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Scopes of a token: "TYPE:NAME:ACTION[,ACTION...]", several separated by blanks.
 */

#include "base/cleanup.h"

/*
 * What to ask a token server for, to be freed by the caller: what the request needs (`own`), and
 * what the registry says (`challenge`, may be NULL) besides. About the same thing the registry is
 * followed where it says more. An empty scope, and one about another repository, which some write,
 * take nothing away from what is needed.
 */
char *scope_join(const char *own, const char *challenge) CHECKED;
