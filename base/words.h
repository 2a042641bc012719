/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lists of texts: one that owns them (file names, arguments of a program), and one that borrows them
 * (from argv).
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
	char **items;
	size_t count;
};

#define WORDS_INIT {NULL, 0}

/* Adds a copy. */
void words_add(struct words *words, const char *word);

/* Takes ownership. Returns the word, which is borrowed then. */
const char *words_take(struct words *words, char *word);

bool words_have(const struct words *words, const char *word);

/* As strcmp() orders them. */
void words_sort(struct words *words);

/* NULL-terminated like argv; borrowed until the next call. */
const char *const *words_argv(struct words *words);

void words_clear(struct words *words);

struct text_list {
	const char **items;
	size_t count;
};

/* Frees the list, not the texts. */
void text_list_clear(struct text_list *list);
