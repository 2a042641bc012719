/* SPDX-License-Identifier: MIT */
#pragma once

/* The commands of this program. A new one is a new file beside this one, and a name in table.c. */

#include "distributor/cli/commands.h"

extern const struct command_table command_table;
