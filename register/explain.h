/* SPDX-License-Identifier: MIT */
/*
 * explain: why the kernel refused something, and what to do about it.
 *
 * Every function writes one or more whole lines to `err`, the first of which begins with "ERROR: ".
 * `problem` is a negated errno.
 */
#pragma once

#include "register/bare.h"
#include "register/binfmt.h"

/* The kernel has no binfmt_misc: said on the stream where the old script said it. */
void explain_no_support(struct out *out);

void explain_mount(struct out *err, const struct binfmt *binfmt, int problem);

/* The file `path` of the kernel, or a directory for written files, cannot be written. */
void explain_access(struct out *err, const struct place *place, const char *path, int problem);

/* The line of `target` was refused. `flags` are those of the line. */
void
explain_register(struct out *err, const struct place *place, const struct binfmt_target *target,
		 const char *interpreter, const char *flags, int problem);

/* An entry cannot be removed, or switched on. */
void explain_entry(struct out *err, const struct place *place, const char *name, const char *what,
		   int problem);

/* --persistent yes, and no emulator in the directory. */
void explain_no_emulators(struct out *err, const char *path, const char *suffix);

/* The user is told that entries will not last, or are seen by this namespace only. */
void explain_vanishing(struct out *err, const struct binfmt *binfmt, bool certain);
void explain_namespace(struct out *err);

/* "permission denied" and the like; a number in `buf` for what has no name here. */
const char *explain_errno(int problem, char buf[32]);
