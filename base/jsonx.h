/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * JSON whose values have positions: every error names file, line, column and JSON path.
 *
 * jansson parses and holds the values. It keeps no positions, so they are looked up in the text
 * when an error is reported. Code that walks the values includes <jansson.h> itself.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

struct jsonx_doc {
	char *name; /* for messages: a path, or a URL without secrets */
	char *text;
	size_t length;
	struct json_t *root; /* owned; borrowed by readers */
};

#define JSONX_DOC_INIT {NULL, NULL, 0, NULL}

void jsonx_clear(struct jsonx_doc *doc);

/*
 * Parses a text, which is copied: UTF-8, no duplicate keys, at most 64 levels. ERR_INPUT with
 * "NAME:LINE:COLUMN: ...".
 */
int jsonx_parse(const char *name, const char *text, size_t length, struct jsonx_doc *ret_doc,
		struct error *err) CHECKED;

/* Reads and parses a file of at most `max_bytes`. */
int jsonx_load(const char *path, size_t max_bytes, struct jsonx_doc *ret_doc,
	       struct error *err) CHECKED;

/*
 * Fails with ERR_INPUT and "NAME:LINE:COLUMN: PATH: message". `path` consists of member names and
 * indexes, as in "hosts.aarch64.source" or "exclude[0].from"; names with characters other than
 * [A-Za-z0-9_-] are written as ["name"]. If the end of the path is missing, the error points to its
 * nearest parent.
 */
int jsonx_error(const struct jsonx_doc *doc, struct error *err, const char *path,
		const char *format, ...) PRINTF_LIKE(4, 5);

/* The same, but the error points to the member's key instead of its value. */
int jsonx_error_at_key(const struct jsonx_doc *doc, struct error *err, const char *path,
		       const char *format, ...) PRINTF_LIKE(4, 5);

/* "PARENT.NAME" or "PARENT["NAME"]", to be freed by the caller; an empty parent gives "NAME". */
char *jsonx_path(const char *parent, const char *name) CHECKED;
char *jsonx_path_index(const char *parent, size_t index) CHECKED;

/*
 * One known key of an object. The array given to jsonx_check_keys() ends with a NULL name.
 */
struct jsonx_key {
	const char *name;
	bool required;
};

/*
 * Checks that the value at `path` is an object with only known keys and all required ones; for an
 * unknown key, the message suggests a known one. `object` may be NULL or of any type. ERR_INPUT.
 */
int jsonx_check_keys(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		     const struct jsonx_key *keys, struct error *err) CHECKED;

/*
 * The string, number or boolean in a member of `object`, which is at `path`. A missing member gives
 * NULL, 0 or false and no error; a member of another type is ERR_INPUT. The string is borrowed from
 * the document.
 */
int jsonx_get_string(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		     const char *key, const char **ret_text, struct error *err) CHECKED;
int jsonx_get_uint64(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		     const char *key, uint64_t *ret_number, struct error *err) CHECKED;
int jsonx_get_bool(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		   const char *key, bool *ret_truth, struct error *err) CHECKED;

/*
 * The text of a value as a document of its own: members in their order, two spaces a level, final
 * newline.
 */
char *jsonx_pretty(const struct json_t *value) CHECKED;

/* The text on one line without spaces, keys sorted. */
char *jsonx_compact(const struct json_t *value) CHECKED;

/*
 * The first difference between a value and the expected one, members in the order of their names:
 * "config.User is \"0\", expected none". To be freed by the caller; NULL if they are equal.
 */
char *jsonx_difference(const struct json_t *found, const struct json_t *expected) CHECKED;

/*
 * A string of text from outside, a new reference: each byte that is not UTF-8 becomes "\xff", so
 * that no file name can make a result lose a row.
 */
struct json_t *jsonx_text(const char *text) CHECKED;

/*
 * Sets a member of an object or appends an element to a list, taking ownership of `value`. A NULL
 * ends the program: a document is complete or not written. (jansson itself ignores a NULL, and the
 * element is missing. Running out of memory ends the program earlier, see base/start.h.)
 */
void jsonx_set(struct json_t *object, const char *key, struct json_t *value);
void jsonx_append(struct json_t *array, struct json_t *value);

/*
 * json_pack for results and documents: objects, lists, and the letters `s s? s* b i I f o`. Text
 * goes through jsonx_text(). It always returns a value: a format that does not match its arguments,
 * or a NULL where none is allowed, is a bug and ends the program.
 */
struct json_t *jsonx_pack(const char *format, ...) CHECKED;
