/* SPDX-License-Identifier: MIT */
/*
 * probe: whether this machine runs programs of an architecture itself.
 *
 * A tiny program of that architecture is made in memory and run. It exits with a number that
 * nothing else exits with.
 */
#pragma once

#include "model/binfmt_table.h"

enum probe_result {
	PROBE_UNKNOWN, /* no program for this target, or the kernel does not let it be tried */
	PROBE_RUNS,
	PROBE_FAILS,
	PROBE_EMULATED, /* some entry of binfmt_misc takes it: the machine was not asked */
};

enum probe_result probe_target(const struct binfmt_target *target);
