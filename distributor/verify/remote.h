#pragma once

/*
 * The files of a release below a base URL, for verification. Large files are hashed on the way
 * through an unnamed temporary file.
 */

#include "base/error.h"
#include "distributor/verify/verify.h"

struct release_url;

/* `base` is https:// or file://, or http:// to this machine. ERR_INPUT, ERR_IO. */
int release_url_open(const char *base, bool offline, struct release_url **ret_url,
		     struct error *err) CHECKED;
void release_url_freep(struct release_url **url); /* for AUTO() */

/* Borrows `url`. */
struct verify_files release_url_files(struct release_url *url);
