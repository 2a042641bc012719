/* SPDX-License-Identifier: MIT */
/*
 * names: the targets, in the spellings that people type.
 */
#pragma once

#include "model/binfmt_table.h"

/*
 * The target that a word means: QEMU's name, alone or as in "qemu-NAME" and "qemu-NAME-static", or
 * a name of Docker's with or without "linux/" and variant, of Debian's, or of `uname -m`. NULL if
 * it means none.
 */
const struct binfmt_target *name_target(const char *word);

/* The target whose name is closest to a mistyped word, or NULL if none is close. */
const struct binfmt_target *name_suggest(const char *word);
