/* SPDX-License-Identifier: MIT */
/*
 * change: making and removing entries of the kernel.
 *
 * Each function goes on after a failure, says what failed on `console`, and returns -1 if anything
 * did.
 */
#pragma once

#include "register/plan.h"

/* Remove every entry whose name begins with "qemu-", and no other. */
int change_reset(const struct binfmt *binfmt, struct console *console);

/*
 * Remove the entries that the patterns of --uninstall name: a target in any spelling, an entry's
 * name, or a glob that is matched against the names with and without "qemu-". Entries of other
 * names are never removed. What is not there is no failure, unless the word means nothing at all.
 */
int change_uninstall(const struct binfmt *binfmt, const struct options *options,
		     struct console *console);

/*
 * Register what is wanted, in the table's order, and read each entry back. An entry that is there
 * and the same is kept, and switched on; another one of its name is a failure.
 */
int change_register(const struct binfmt *binfmt, const struct plan *plan,
		    const struct options *options, struct console *console);
