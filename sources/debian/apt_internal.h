/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared by apt_root.c, apt_machine.c (settings of the machine's own apt) and apt_update.c.
 */

#include "base/error.h"
#include "base/strbuf.h"

/*
 * The path of the program apt-helper of the machine's apt, to be freed. ERR_NOT_FOUND, ERR_INPUT.
 */
int apt_machine_helper(char **ret_helper, struct error *err) CHECKED;

/*
 * The machine's settings for reaching servers, as lines of a configuration file. Errors as above.
 */
int apt_machine_options(struct strbuf *config, struct error *err) CHECKED;

/* The rest of the first line that begins with `prefix`, or NULL; to be freed. */
char *apt_first_line(const char *text, const char *prefix) CHECKED;
