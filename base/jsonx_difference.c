/* SPDX-License-Identifier: MIT */
#include "base/jsonx.h"

#include "base/alloc.h"
#include "base/words.h"

#include <jansson.h>
#include <string.h>

static char *value_difference(const json_t *found, const json_t *expected, const char *path);

/* A value for a message, cut where it is long; "missing" for none. */
static char *
value_text(const json_t *value)
{
	enum { LONGEST = 100 };
	char *whole, *text;

	if (value == NULL)
		return xstrdup("missing");
	whole = json_dumps(value,
			   JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	text = whole == NULL             ? xstrdup("invalid")
	       : strlen(whole) > LONGEST ? xasprintf("%.*s...", (int)LONGEST, whole)
					 : xstrdup(whole);
	free(whole);
	return text;
}

static char *
describe_difference(const json_t *found, const json_t *expected, const char *path)
{
	auto_free char *is = value_text(found), *wanted = value_text(expected);

	return xasprintf("%s%sis %s, expected %s", path, *path != '\0' ? " " : "", is,
			 expected != NULL ? wanted : "none");
}

static void
add_member_names(const json_t *object, struct words *keys)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, key, value)
		words_add(keys, key);
}

static char *
object_difference(const json_t *found, const json_t *expected, const char *path)
{
	AUTO(words_clear) struct words keys = WORDS_INIT;
	char *text = NULL;

	add_member_names(found, &keys);
	add_member_names(expected, &keys);
	words_sort(&keys);
	for (size_t i = 0; i < keys.count && text == NULL; i++) {
		auto_free char *inside = jsonx_path(path, keys.items[i]);

		/* A name that both have is there twice, side by side. */
		if (i > 0 && strcmp(keys.items[i], keys.items[i - 1]) == 0)
			continue;
		text = value_difference(json_object_get(found, keys.items[i]),
					json_object_get(expected, keys.items[i]), inside);
	}
	return text;
}

static char *
array_difference(const json_t *found, const json_t *expected, const char *path)
{
	char *text = NULL;

	for (size_t i = 0;
	     (i < json_array_size(found) || i < json_array_size(expected)) && text == NULL; i++) {
		auto_free char *inside = jsonx_path_index(path, i);

		text = value_difference(json_array_get(found, i), json_array_get(expected, i),
					inside);
	}
	return text;
}

static char *
value_difference(const json_t *found, const json_t *expected, const char *path)
{
	if (json_is_object(found) && json_is_object(expected))
		return object_difference(found, expected, path);
	if (json_is_array(found) && json_is_array(expected))
		return array_difference(found, expected, path);
	return json_equal(found, expected) ? NULL : describe_difference(found, expected, path);
}

char *
jsonx_difference(const struct json_t *found, const struct json_t *expected)
{
	return value_difference(found, expected, "");
}
