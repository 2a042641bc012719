/* SPDX-License-Identifier: MIT */
/*
 * emulator: whether the file that an entry names can do its work where the entry is used.
 *
 * With the flag F the kernel opens the emulator once, and runs it in every container: the file has to
 * be a program of this machine that needs no other file. The kernel itself opens whatever is there,
 * and says so only when a program is to be started.
 */
#pragma once

#include <stddef.h>

#include "register/bare.h"

/* A path of a dynamic linker is cut at this. */
#define EMULATOR_NEEDS_MAX 64

enum emulator_fault {
	EMULATOR_GOOD, /* or it cannot be looked into: then the kernel says what is wrong */
	EMULATOR_ABSENT,
	EMULATOR_NO_PROGRAM,
	EMULATOR_LFS_POINTER, /* the text that git keeps in place of a large file */
	EMULATOR_SCRIPT,
	EMULATOR_FOREIGN, /* of a machine whose programs this one does not run */
	EMULATOR_DYNAMIC,
};

struct emulator {
	enum emulator_fault fault;
	const char *machine;            /* of EMULATOR_FOREIGN, or NULL where it has no name here */
	char needs[EMULATOR_NEEDS_MAX]; /* of EMULATOR_DYNAMIC: the linker that it names */
};

void emulator_look(const char *path, struct emulator *ret_emulator);

/* One sentence without its end about a file that is there: "'PATH' is not a program". */
void emulator_describe(const char *path, const struct emulator *emulator, struct out *out);
