/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Small tables for people: text columns aligned for a terminal, or as Markdown.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct table;

enum table_style { TABLE_TEXT, TABLE_MARKDOWN };

/* A header ending in '>' makes a column that is aligned to the right; the '>' is not shown. */
struct table *table_new(const char *const *headers, size_t count) CHECKED;
void table_free(struct table *table);
void table_freep(struct table **table);

/* Adds a cell to the row under construction; a full row starts the next. The text is copied. */
void table_add(struct table *table, const char *text);
void table_addf(struct table *table, const char *format, ...) PRINTF_LIKE(2, 3);

/* Its text, to be freed by the caller. */
char *table_format(const struct table *table, enum table_style style) CHECKED;

/* Prints it on standard output. */
void table_print(const struct table *table, enum table_style style);
