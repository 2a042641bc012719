/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The text of a list of keys: its first line, and the changes that the maintainer's commands make.
 * All other lines, including comments, are unchanged.
 */

#include "sign/check/keyring.h"

#define KEY_LIST_RETIRED    "# retired after "
#define KEY_LIST_MAX_SERIAL 999999999

/*
 * Reads the first line, "# ROLE serial N DATE" of this role, with N without leading zeros and DATE
 * as YYYY-MM-DD. False if the text begins differently.
 */
bool
key_list_stamp(const char *text, enum keyring_role role, struct keyring_stamp *ret_stamp) CHECKED;

/*
 * The list with such a first line, replacing an existing one, and with LF line ends; to be freed by
 * the caller. `time_sec` gives the date, in UTC.
 */
char *key_list_with_stamp(const char *text, enum keyring_role role, uint64_t serial,
			  int64_t time_sec) CHECKED;

/* The list with `line`, which ends with a line feed, at its end; to be freed by the caller. */
char *key_list_append(const char *text, const char *line) CHECKED;

/*
 * An allowed_signers without the lines of these keys and without those that retire them; to be
 * freed by the caller.
 */
char *key_list_without(const char *text, const struct public_key *keys, size_t count) CHECKED;

/*
 * An allowed_signers in which this key is retired after `tag`, "v10.2.2-1", replacing an earlier
 * retirement; to be freed by the caller. ERR_INPUT: not a tag, or the key is not listed.
 */
int key_list_retire(const char *text, const struct public_key *key, const char *tag,
		    char **ret_text, struct error *err) CHECKED;
