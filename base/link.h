/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The same file under another name, and its bytes in another file.
 */

#include "base/error.h"

/*
 * Makes `added` the same file as `existing`: a hard link, or a clone or copy where the file system has
 * no hard links. An existing file is replaced atomically. ERR_IO.
 */
int link_or_copy(const char *existing, const char *added, struct error *err) CHECKED;

/*
 * Fills the empty file `to` with the bytes of `from`, from its beginning: shared with it where the
 * file system can, else copied. The names are for messages. ERR_IO.
 */
int clone_or_copy(int from, const char *from_name, int to, const char *to_name,
		  struct error *err) CHECKED;
