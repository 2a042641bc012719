/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is in an image that was unpacked, against what has to be.
 */

#include "base/error.h"
#include "base/words.h"
#include "model/package.h"

/* An unpacked image, and the files that it may have, as paths in it: "/register". */
struct image_contents {
	const char *root, *tag; /* borrowed, as is the next */
	const char *command;    /* makes images, for advice */
	struct words files;     /* owned */
};

void image_contents_clear(struct image_contents *contents);

/* Allows the emulator of this target. */
void image_contents_add_program(struct image_contents *contents, const char *target);

/* The emulator is there and is this member of a package. ERR_VERIFY, ERR_IO. */
int image_contents_check_program(const struct image_contents *contents, const struct member *member,
				 struct error *err) CHECKED;

/* "/register" is there and is the program at the path `registrar`. ERR_VERIFY, ERR_IO. */
int image_contents_check_registrar(const struct image_contents *contents, const char *registrar,
				   struct error *err) CHECKED;

/*
 * Nothing but the allowed files is there, and the directories that they are in. ERR_VERIFY, ERR_IO.
 */
int image_contents_check_listing(const struct image_contents *contents, struct error *err) CHECKED;
