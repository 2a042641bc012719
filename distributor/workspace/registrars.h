/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the registrars of the hosts are: programs that were built along with this one. */

#include "base/error.h"
#include "model/arch.h"

/*
 * The path of the registrar for a host, to be freed by the caller. It is looked up in `directory`
 * or, with NULL, where this program was installed or built. ERR_INPUT names the compiler that is
 * required. ERR_IO.
 */
int registrar_find(const char *directory, const struct arch *host, char **ret_path,
		   struct error *err) CHECKED;
