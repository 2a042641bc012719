/* SPDX-License-Identifier: MIT */
/*
 * export: files that register the targets at boot, for systemd-binfmt.service or update-binfmts.
 */
#pragma once

#include "register/plan.h"

/*
 * Write one file for each wanted target: DIR/qemu-NAME.conf for systemd, DIR/qemu-NAME for
 * update-binfmts. A file is there complete or not at all. Missing tools of the system are warned
 * about.
 *
 * Returns 0, or -1 if any file could not be written, after it has said which.
 */
int export_files(const struct plan *plan, const struct options *options, struct console *console);
