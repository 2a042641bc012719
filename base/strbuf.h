/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A growing text buffer with a cap.
 *
 * The text is always terminated. An append beyond the cap sets `overflow` and does not change the
 * text, so that a long series of appends needs one check at its end.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *text; /* NULL until the first append; see strbuf_text() */
	size_t length;
	size_t room;
	size_t max_length; /* 0: 64 MiB */
	bool overflow;
};

#define STRBUF_INIT {NULL, 0, 0, 0, false}

void strbuf_clear(struct strbuf *buf);

void strbuf_add(struct strbuf *buf, const void *bytes, size_t length);
void strbuf_adds(struct strbuf *buf, const char *text);
void strbuf_addf(struct strbuf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text so far, never NULL; borrowed until the next append. */
const char *strbuf_text(const struct strbuf *buf);

/* Hands the text over, to be freed by the caller, and empties the buffer. */
char *strbuf_take(struct strbuf *buf) CHECKED;

bool text_starts_with(const char *text, const char *prefix);
bool bytes_start_with(const void *bytes, size_t length, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

/* Length of the UTF-8 sequence at `text`, which is not at its end; 0 if it is invalid. */
size_t text_utf8_length(const char *text);

/* A word quoted for a shell where needed; to be freed by the caller. */
char *text_shell_word(const char *word) CHECKED;

/*
 * The closest of `count` words to `word`, or NULL: for "did you mean". At most two edits (swapping
 * two letters is one), and not more than half of the word.
 */
const char *text_closest(const char *word, const char *const *words, size_t count);
