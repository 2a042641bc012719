/* SPDX-License-Identifier: MIT */
#include "base/words.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

const char *
words_take(struct words *words, char *word)
{
	words->items = xgrow(words->items, words->count, sizeof(*words->items));
	words->items[words->count++] = word;
	return word;
}

void
words_add(struct words *words, const char *word)
{
	(void)words_take(words, xstrdup(word));
}

bool
words_have(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return true;
	return false;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
words_sort(struct words *words)
{
	if (words->count > 0)
		qsort(words->items, words->count, sizeof(*words->items), compare);
}

const char *const *
words_argv(struct words *words)
{
	words->items = xgrow(words->items, words->count, sizeof(*words->items));
	words->items[words->count] = NULL;
	return (const char *const *)words->items;
}

void
words_clear(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct words)WORDS_INIT;
}

void
text_list_clear(struct text_list *list)
{
	free(list->items);
	*list = (struct text_list){NULL, 0};
}
