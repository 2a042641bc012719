/* SPDX-License-Identifier: MIT */
/*
 * options: the command line.
 *
 * Options may stand anywhere, long ones may be shortened as far as they stay unique, and "--" ends
 * them. What is left over are operands.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "register/bare.h"

#define OPTIONS_UNINSTALL_MAX 64

enum action {
	ACTION_REGISTER,
	ACTION_SYSTEMD,
	ACTION_DEBIAN,
	ACTION_UNINSTALL,
	ACTION_STATUS,
	ACTION_HELP,
};

struct options {
	enum action action;
	bool reset;
	bool persistent;
	bool credential;
	bool preserve_argv0;
	bool ignore_family;
	bool fallback;
	bool temporary;
	bool json;
	const char *systemd_cpu; /* what --systemd asks for: one target or "ALL" */
	const char *qemu_path;
	const char *qemu_suffix;
	const char *export_dir; /* NULL: the usual directory of the action */
	const char *uninstall[OPTIONS_UNINSTALL_MAX];
	size_t uninstall_count;
	char **operands;
	size_t operand_count;
};

/*
 * Read the command line `argv`, whose pointers are put into another order. The strings are
 * borrowed. `bin_dir` is the value of QEMU_BIN_DIR, or NULL.
 *
 * Returns 0, or -1 after it has said on `err` what it does not understand. A word other than yes
 * and no is taken as the old script took it, with a warning.
 */
int options_parse(int argc, char **argv, const char *bin_dir, struct options *ret_options,
		  struct out *err);

void options_usage(struct out *out);
