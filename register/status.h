/* SPDX-License-Identifier: MIT */
/*
 * status: what is registered, for people and as JSON.
 */
#pragma once

#include "register/plan.h"

/*
 * Show every qemu-* entry, or those of the named targets. `host` may be NULL. Returns 0, or -1 if
 * the directory cannot be read or a named target is not registered and enabled.
 */
int status_show(const struct plan *plan, const struct options *options, const struct host *host,
		const struct binfmt *binfmt, struct console *console);
