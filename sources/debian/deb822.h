/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debian's "Field: value" texts (deb822): a package's control file, an archive's Release file,
 * what apt-cache prints.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct deb822_field {
	char *name;
	char *value; /* without surrounding whitespace; continuation lines follow after "\n" */
};

/* One paragraph. The fields are in the order of the text. */
struct deb822 {
	struct deb822_field *fields;
	size_t count;
};

#define DEB822_INIT {NULL, 0}

/*
 * Reads the paragraph that begins at `*offset` of the `length` bytes at `text` and moves `*offset`
 * past it. Returns 1, or 0 when only empty lines are left, or -1: ERR_INPUT for a line that is
 * neither field nor continuation, a NUL byte, a duplicate field, or more than 1000 fields; `name`
 * is for that message.
 */
int deb822_next(const char *text, size_t length, size_t *offset, const char *name,
		struct deb822 *ret_paragraph, struct error *err) CHECKED;

/* Reads a text that is exactly one paragraph. ERR_INPUT also for none or several. */
int deb822_parse(const char *text, size_t length, const char *name, struct deb822 *ret_paragraph,
		 struct error *err) CHECKED;

void deb822_clear(struct deb822 *paragraph);

/* The value of a field (its name in any case), or NULL; borrowed. */
const char *deb822_get(const struct deb822 *paragraph, const char *field) CHECKED;

/* The same for a required field, which must not be empty and must be on one line. ERR_INPUT. */
int deb822_require(const struct deb822 *paragraph, const char *field, const char *name,
		   const char **ret_value, struct error *err) CHECKED;

/*
 * Calls `item` for each entry of a comma-separated list, such as Built-Using, without surrounding
 * whitespace. The text is terminated and valid during the call.
 */
void
deb822_each_item(const char *value, void (*item)(void *context, const char *text), void *context);
