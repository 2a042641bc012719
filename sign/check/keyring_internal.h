/* SPDX-License-Identifier: MIT */
#pragma once

/* What the sources of the keyring share; private to sign/. */

#include "sign/check/keyring.h"

/* Whether it is a name without spaces, quotes and characters of ssh-keygen's patterns. */
bool keyring_is_principal(const char *text) CHECKED;
