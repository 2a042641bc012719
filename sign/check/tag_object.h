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

/* A line of the message that binds the release's files to the tag. */
#define TAG_SUMS_KEY "SHA256SUMS: "

/* Strings are owned. */
struct tag_object {
	char *commit; /* 40 or 64 hexadecimal digits */
	char *name;   /* the name inside, which a renamed reference does not change */
	char *tagger; /* "NAME <EMAIL>" */
	int64_t time_sec;
	char *message;      /* ends with '\n' */
	char *signature;    /* the armour, or NULL */
	size_t signed_size; /* how many bytes of the text the signature covers */
};

#define TAG_OBJECT_INIT {NULL, NULL, NULL, 0, NULL, NULL, 0}

void tag_object_clear(struct tag_object *tag);

/*
 * The unsigned text, to be freed by the caller. `tag` needs all but the signature; its message
 * gets a final line end if it has none. ERR_INPUT for a field that would break the format.
 */
int tag_object_format(const struct tag_object *tag, char **ret_text, struct error *err) CHECKED;

/* Reads a text that is one commit's tag with a message. ERR_INPUT with `name`. */
int tag_object_parse(const char *text, size_t length, struct tag_object *ret_tag, const char *name,
		     struct error *err) CHECKED;
