/* SPDX-License-Identifier: MIT */
#pragma once

/* The checks behind matrix_parse(); private to matrix/. */

#include "matrix/matrix.h"

/* Fills `matrix` from its parsed document, checking every value. ERR_INPUT. */
int matrix_read_document(struct matrix *matrix, struct error *err) CHECKED;

/* The part for one member of "sources"; `path` is its JSON path. */
int
matrix_read_source(const struct jsonx_doc *doc, const struct json_t *object, const char *key,
		   const char *path, struct matrix_source *ret_source, struct error *err) CHECKED;

/* Reads the member `key` of the object at `path`: an array of strings, empty if absent. */
int matrix_read_words(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		      const char *key, struct text_list *ret_words, struct error *err) CHECKED;

/*
 * Whether the text at `path` is QEMU's version, "10.2.2" or "10.1-rc3", with the release number
 * ("10.2.2-1") or without. ERR_INPUT; for another spelling of a release candidate the message gives
 * the right one.
 */
int matrix_check_version(const struct jsonx_doc *doc, const char *path, const char *version,
			 bool with_release, struct error *err) CHECKED;
