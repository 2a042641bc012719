/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What files were hashed to, remembered while the program runs, so that the steps of one release
 * do not read the same gigabyte six times. Private to base/.
 *
 * A file is the same file as long as device, inode, size, and both times of change are the same;
 * whoever writes to it changes them. A change too soon after the last one could hide in the grain
 * of the clock, so that files younger than two seconds are not remembered (as git's index does).
 */

#include "base/digest.h"

#include <sys/stat.h>

/* True, with the digest, if a file of this status was stored. Safe from several threads. */
bool digest_memo_find(const struct stat *st, struct digest *ret_digest) CHECKED;

/* Remembers; `st` was taken before the file was read. */
void digest_memo_store(const struct stat *st, const struct digest *digest);
