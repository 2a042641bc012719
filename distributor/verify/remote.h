/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files of a release below a base URL, for verification. Large files are hashed on the way
 * through an unnamed temporary file.
 */

#include "base/error.h"
#include "distributor/verify/verify.h"

struct remote_release;

/* `base` is https:// or file://, or http:// to this machine. ERR_INPUT, ERR_IO. */
int remote_release_open(const char *base, bool offline, struct remote_release **ret_url,
			struct error *err) CHECKED;
void remote_release_freep(struct remote_release **url); /* for AUTO() */

/* Borrows `url`. */
struct verify_files remote_release_files(struct remote_release *url);
