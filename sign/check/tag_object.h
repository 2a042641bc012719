/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The text of an annotated git tag, signed or not. See gitformat-signature(5):
 *
 *     object HEX\n type commit\n tag NAME\n tagger NAME <EMAIL> SECONDS +0000\n
 *     \n MESSAGE [SIGNATURE]
 *
 * The signature covers every byte before it.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define TAG_OBJECT_MAX_TEXT 65536

/* A line of the message that ties the release's files to the tag. */
#define TAG_SUMS_KEY "SHA256SUMS: "

/* Strings are owned. */
struct tag_object {
	char *commit; /* 40 or 64 hexadecimal digits */
	char *name;   /* the name in the tag, which renaming the reference does not change */
	char *tagger; /* "NAME <EMAIL>" */
	int64_t time_sec;
	char *message;      /* ends with '\n' */
	char *signature;    /* the armored signature, or NULL */
	size_t signed_size; /* bytes of the text that the signature covers */
};

#define TAG_OBJECT_INIT {NULL, NULL, NULL, 0, NULL, NULL, 0}

void tag_object_clear(struct tag_object *tag);

/*
 * The unsigned text, to be freed by the caller. `tag` requires all fields but the signature; a
 * final line end is added to the message if missing. ERR_INPUT for a field that would break the
 * format.
 */
int tag_object_format(const struct tag_object *tag, char **ret_text, struct error *err) CHECKED;

/* Reads the text of a tag of a commit, with a message. ERR_INPUT with `name`. */
int tag_object_parse(const char *text, size_t length, struct tag_object *ret_tag, const char *name,
		     struct error *err) CHECKED;
