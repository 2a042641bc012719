/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whole numbers in texts from outside: decimal digits alone, without sign, blanks or locale.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads a text that is one number of at most `max`. False, and nothing stored, if it is not. */
bool parse_uint(const char *text, uint64_t max, uint64_t *ret_number) CHECKED;

/*
 * Reads the digits that `*text` begins with, and moves it past them. False, with nothing changed,
 * if there are none or they are more than `max`.
 */
bool parse_uint_prefix(const char **text, uint64_t max, uint64_t *ret_number) CHECKED;

/* Moves `*text` past this character if it is the next one, and returns whether it was. */
bool parse_character(const char **text, char wanted) CHECKED;
