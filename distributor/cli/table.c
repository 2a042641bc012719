/* SPDX-License-Identifier: MIT */
#include "distributor/cli/table.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SCREEN_COLUMNS = 80 };

struct table {
	size_t columns, cells;
	char **texts; /* the headers, then the cells row by row */
	bool *right;
};

struct table *
table_new(const char *const *headers, size_t count)
{
	struct table *table = xcalloc(1, sizeof(*table));

	table->columns = count;
	table->right = xcalloc(count, sizeof(*table->right));
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(headers[i]);
		auto_free char *header = NULL;

		table->right[i] = length != 0 && headers[i][length - 1] == '>';
		header = xstrndup(headers[i], length - (table->right[i] ? 1 : 0));
		table_add(table, header);
	}
	return table;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->cells; i++)
		free(table->texts[i]);
	free(table->texts);
	free(table->right);
	free(table);
}

void
table_freep(struct table **table)
{
	table_free(*table);
	*table = NULL;
}

void
table_add(struct table *table, const char *text)
{
	table->texts = xgrow(table->texts, table->cells, sizeof(*table->texts));
	table->texts[table->cells] = xstrdup(text);
	scrub_text(table->texts[table->cells++]);
}

void
table_addf(struct table *table, const char *format, ...)
{
	auto_free char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	table_add(table, text);
}

/* Columns on the screen: UTF-8 continuation bytes take none. */
static size_t
width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			width++;
	return width;
}

static void
add_padded(struct strbuf *out, const char *text, size_t width, bool right)
{
	int blanks = (int)(width - width_of(text));

	strbuf_addf(out, "%*s%s%*s", right ? blanks : 0, "", text, right ? 0 : blanks, "");
}

static void
add_rule(struct strbuf *out, const struct table *table, const size_t *widths,
	 enum table_style style)
{
	for (size_t c = 0; c < table->columns; c++) {
		strbuf_adds(out, style == TABLE_MARKDOWN ? "| " : c != 0 ? "  " : "");
		for (size_t i = 0; i < widths[c]; i++)
			strbuf_adds(out,
				    style == TABLE_MARKDOWN && table->right[c] && i + 1 == widths[c]
					    ? ":"
					    : "-");
		if (style == TABLE_MARKDOWN)
			strbuf_adds(out, " ");
	}
	strbuf_adds(out, style == TABLE_MARKDOWN ? "|\n" : "\n");
}

/* A last column of sentences is not padded: its rule ends at the edge of a narrow terminal. */
static void
limit_rule(const struct table *table, size_t *widths)
{
	size_t last = table->columns - 1, before = 0, header = width_of(table->texts[last]);

	if (table->right[last])
		return;
	for (size_t c = 0; c < last; c++)
		before += widths[c] + 2;
	if (before + header < SCREEN_COLUMNS && widths[last] > SCREEN_COLUMNS - before)
		widths[last] = SCREEN_COLUMNS - before;
}

char *
table_format(const struct table *table, enum table_style style)
{
	auto_free size_t *widths = xcalloc(table->columns, sizeof(*widths));
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < table->cells; i++) {
		size_t width = width_of(table->texts[i]), least = style == TABLE_MARKDOWN ? 3 : 0;

		width = width > least ? width : least;
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	if (style == TABLE_TEXT)
		limit_rule(table, widths);
	for (size_t i = 0; i < table->cells; i++) {
		size_t c = i % table->columns;
		bool last = c + 1 == table->columns;

		strbuf_adds(&out, style == TABLE_MARKDOWN ? "| " : c != 0 ? "  " : "");
		if (last && style == TABLE_TEXT && !table->right[c])
			strbuf_adds(&out, table->texts[i]);
		else
			add_padded(&out, table->texts[i], widths[c], table->right[c]);
		if (style == TABLE_MARKDOWN)
			strbuf_adds(&out, " ");
		if (last)
			strbuf_adds(&out, style == TABLE_MARKDOWN ? "|\n" : "\n");
		if (i + 1 == table->columns)
			add_rule(&out, table, widths, style);
	}
	return strbuf_take(&out);
}

void
table_print(const struct table *table, enum table_style style)
{
	auto_free char *text = table_format(table, style);
	auto_free char *clean = log_redact(text);

	(void)fputs(clean, stdout);
}
