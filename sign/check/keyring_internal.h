/* SPDX-License-Identifier: MIT */
#pragma once

/* What the sources of the keyring share. For the sources of sign/ only. */

#include "sign/check/keyring.h"

/* A name without blanks, quotes and what ssh-keygen takes for a pattern. */
bool keyring_is_principal(const char *text) CHECKED;
