/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Scripts by which shells complete this program's command lines, made from the tables that --help
 * is made from: commands, options, the words, architectures and files that an option takes, and
 * the files that a command takes.
 */

#include "base/strbuf.h"

struct command_table;

/* Each appends a whole script; it needs nothing but its shell, and runs nothing of ours. */
void completion_bash(const struct command_table *table, struct strbuf *script);
void completion_zsh(const struct command_table *table, struct strbuf *script);
void completion_fish(const struct command_table *table, struct strbuf *script);
