/* SPDX-License-Identifier: MIT */
/*
 * plan: which targets are to be registered, and by which line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/binfmt_table.h"
#include "register/bare.h"
#include "register/binfmt.h"
#include "register/host.h"
#include "register/options.h"

/* The documentation of the kernel wants interpreters shorter than this. */
#define PLAN_INTERPRETER_MAX 128

enum choice {
	CHOICE_NOT_ASKED,
	CHOICE_NATIVE, /* the machine runs such programs itself */
	CHOICE_WANTED,
};

struct plan {
	bool named[BINFMT_TARGET_COUNT]; /* the user named it, rather than ALL */
	enum choice choice[BINFMT_TARGET_COUNT];
};

/*
 * Mark what the operands and --systemd ask for as wanted. Returns 0, or the exit status after it
 * has said on `console` which word means nothing.
 */
int plan_ask(struct plan *plan, const struct options *options, struct console *console);

/*
 * Take out what the host runs itself. A target of the host's family is tried, unless another
 * machine is meant or --ignore-family says not to care; where it cannot be tried, the family
 * counts. `binfmt` is asked for entries that stand in the way of trying.
 */
void plan_skip_native(struct plan *plan, const struct options *options, const struct host *host,
		      const struct binfmt *binfmt, struct console *console);

/*
 * Refuse a path and suffix that cannot make an entry: relative, too long, with ':' or control
 * characters. Returns 0, or -1 after it has said so.
 */
int plan_check_path(const struct options *options, struct console *console);

/* The path of the emulator; its length has been checked. */
const char *plan_interpreter(const struct options *options, const struct binfmt_target *target,
			     char buf[PLAN_INTERPRETER_MAX]);

/* The letters for the switches, in the old script's order. `buf` has room for "OCFP". */
const char *plan_flags(const struct options *options, bool with_fix, char buf[5]);
