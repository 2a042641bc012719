/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Is this file a static program for that host?
 *
 * Static means: no PT_INTERP and no DT_NEEDED (System V ABI, "Program Header" and "Dynamic
 * Section"). A static-PIE has a dynamic section and type ET_DYN, and is fine.
 */

#include "base/error.h"
#include "model/arch.h"

/*
 * Checks the whole file `bytes` of `size` bytes: class, byte order, e_machine and the ABI bits of
 * e_flags against `host`, type, and that it is static. Every offset is checked against the size.
 * ERR_VERIFY with a message that begins with `name` if anything does not match.
 */
int elf_check_static(const uint8_t *bytes, size_t size, const struct arch *host, const char *name,
		     struct error *err) CHECKED;
