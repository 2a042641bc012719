/* SPDX-License-Identifier: MIT */
#include "base/jsonx.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <assert.h>
#include <ctype.h>
#include <jansson.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

void
jsonx_clear(struct jsonx_doc *doc)
{
	free(doc->name);
	free(doc->text);
	json_decref(doc->root);
	*doc = (struct jsonx_doc)JSONX_DOC_INIT;
}

/* jansson allows 2048 levels, and a reader of ours may recurse. */
static bool
too_deep(const char *text, size_t length)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < length; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > MAX_DEPTH)
				return true;
		} else if (text[i] == '}' || text[i] == ']') {
			depth--;
		}
	}
	return false;
}

int
jsonx_parse(const char *name, const char *text, size_t length, struct jsonx_doc *ret_doc,
	    struct error *err)
{
	json_error_t where;
	json_t *root;

	if (too_deep(text, length))
		return error_set(err, ERR_INPUT, "%s: JSON is nested deeper than %d levels", name,
				 MAX_DEPTH);
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
	if (root == NULL)
		return error_set(err, ERR_INPUT, "%s:%d:%d: %s", name, where.line, where.column,
				 where.text);
	ret_doc->name = xstrdup(name);
	ret_doc->text = xmalloc(length + 1);
	memcpy(ret_doc->text, text, length);
	ret_doc->text[length] = '\0';
	ret_doc->length = length;
	ret_doc->root = root;
	return 0;
}

int
jsonx_load(const char *path, size_t max_bytes, struct jsonx_doc *ret_doc, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (read_file(path, max_bytes, &text, &length, err) < 0)
		return -1;
	return jsonx_parse(path, text, length, ret_doc, err);
}

/*
 * Finding a value again. The text has been accepted by jansson, so this scanner may trust its
 * grammar; it only has to skip values and compare keys.
 */
struct scanner {
	const char *text;
	size_t length, at;
};

static void
skip_blanks(struct scanner *s)
{
	while (s->at < s->length && isspace((unsigned char)s->text[s->at]))
		s->at++;
}

static void
skip_string(struct scanner *s)
{
	for (s->at++; s->at < s->length && s->text[s->at] != '"'; s->at++)
		if (s->text[s->at] == '\\')
			s->at++;
	s->at++;
}

static void
skip_value(struct scanner *s)
{
	int depth = 0;

	do {
		skip_blanks(s);
		if (s->at >= s->length)
			return;
		if (s->text[s->at] == '"') {
			skip_string(s);
		} else if (strchr("{[", s->text[s->at]) != NULL) {
			depth++;
			s->at++;
		} else if (strchr("}]", s->text[s->at]) != NULL) {
			depth--;
			s->at++;
		} else if (strchr(",:", s->text[s->at]) != NULL) {
			s->at++;
		} else {
			while (s->at < s->length && strchr(",:]} \t\r\n", s->text[s->at]) == NULL)
				s->at++;
		}
	} while (depth > 0);
}

/* One step of a path: a member name, or an index when `name` is NULL. */
struct step {
	const char *name;
	size_t length, index;
};

static const char *
next_step(const char *path, struct step *step)
{
	*step = (struct step){NULL, 0, 0};
	if (*path == '.')
		path++;
	if (text_starts_with(path, "[\"")) {
		const char *end = strstr(path + 2, "\"]");

		assert(end != NULL);
		step->name = path + 2;
		step->length = (size_t)(end - step->name);
		return end + 2;
	}
	if (*path == '[') {
		size_t digits = strspn(path + 1, "0123456789");
		const char *number = path + 1;
		uint64_t index;
		bool found = parse_uint_prefix(&number, SIZE_MAX, &index);

		assert(found);
		step->index = (size_t)index;
		return path + 1 + digits + 1;
	}
	step->name = path;
	step->length = strcspn(path, ".[");
	return path + step->length;
}

static bool
key_matches(const struct scanner *s, const struct step *step)
{
	struct scanner end = *s;
	json_t *key;
	bool matches;

	skip_string(&end);
	/* Escapes in keys are rare; let jansson undo them. */
	key = json_loadb(s->text + s->at, end.at - s->at, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	matches = key != NULL && json_string_length(key) == step->length &&
		  memcmp(json_string_value(key), step->name, step->length) == 0;
	json_decref(key);
	return matches;
}

/* Moves from the start of a container to the wanted child; `*ret_key` is where its key starts. */
static bool
enter(struct scanner *s, const struct step *step, size_t *ret_key)
{
	char open = s->text[s->at];
	size_t index = 0;

	if (open != (step->name != NULL ? '{' : '['))
		return false;
	s->at++;
	for (;;) {
		bool found;

		skip_blanks(s);
		if (s->at >= s->length || strchr("}]", s->text[s->at]) != NULL)
			return false;
		*ret_key = s->at;
		found = step->name != NULL ? key_matches(s, step) : index == step->index;
		if (step->name != NULL) {
			skip_string(s);
			skip_blanks(s);
			s->at++;
			skip_blanks(s);
		}
		if (found)
			return true;
		skip_value(s);
		skip_blanks(s);
		if (s->at < s->length && s->text[s->at] == ',')
			s->at++;
		index++;
	}
}

static size_t
locate(const struct jsonx_doc *doc, const char *path, bool at_key)
{
	struct scanner s = {doc->text, doc->length, 0};
	size_t found, key;

	skip_blanks(&s);
	found = s.at;
	while (*path != '\0') {
		struct step step;

		path = next_step(path, &step);
		if (!enter(&s, &step, &key))
			break;
		found = at_key && *path == '\0' ? key : s.at;
	}
	return found;
}

static int
place_error(const struct jsonx_doc *doc, struct error *err, const char *path, bool at_key)
{
	size_t offset = locate(doc, path, at_key), line = 1, column = 1;

	for (size_t i = 0; i < offset; i++) {
		column++;
		if (doc->text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return error_prefix(err, "%s:%zu:%zu: %s", doc->name, line, column,
			    *path != '\0' ? path : "document");
}

int
jsonx_error(const struct jsonx_doc *doc, struct error *err, const char *path, const char *format,
	    ...)
{
	va_list args;

	va_start(args, format);
	error_vset(err, ERR_INPUT, format, args);
	va_end(args);
	return place_error(doc, err, path, false);
}

int
jsonx_error_at_key(const struct jsonx_doc *doc, struct error *err, const char *path,
		   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_vset(err, ERR_INPUT, format, args);
	va_end(args);
	return place_error(doc, err, path, true);
}

char *
jsonx_path(const char *parent, const char *name)
{
	bool plain = *name != '\0';

	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-' && *p != '$')
			plain = false;
	if (!plain)
		return xasprintf("%s[\"%s\"]", parent, name);
	return xasprintf("%s%s%s", parent, *parent != '\0' ? "." : "", name);
}

char *
jsonx_path_index(const char *parent, size_t index)
{
	return xasprintf("%s[%zu]", parent, index);
}

static int
unknown_key(const struct jsonx_doc *doc, const char *path, const char *key,
	    const struct jsonx_key *keys, struct error *err)
{
	auto_free char *where = jsonx_path(path, key);
	const char *names[64], *close;
	size_t count = 0;

	while (keys[count].name != NULL && count < ARRAY_SIZE(names)) {
		names[count] = keys[count].name;
		count++;
	}
	close = text_closest(key, names, count);
	if (close != NULL)
		return jsonx_error_at_key(doc, err, where, "unknown key; did you mean \"%s\"?",
					  close);
	return jsonx_error_at_key(doc, err, where, "unknown key");
}

int
jsonx_check_keys(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		 const struct jsonx_key *keys, struct error *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return jsonx_error(doc, err, path, "must be an object");
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		const struct jsonx_key *known = keys;

		while (known->name != NULL && strcmp(known->name, key) != 0)
			known++;
		if (known->name == NULL)
			return unknown_key(doc, path, key, keys, err);
	}
	for (; keys->name != NULL; keys++)
		if (keys->required && json_object_get(object, keys->name) == NULL)
			return jsonx_error(doc, err, path, "missing key \"%s\"", keys->name);
	return 0;
}

static int
wrong_type(const struct jsonx_doc *doc, const char *path, const char *key, const char *wanted,
	   struct error *err)
{
	auto_free char *where = jsonx_path(path, key);

	return jsonx_error(doc, err, where, "must be %s", wanted);
}

int
jsonx_get_string(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		 const char *key, const char **ret_text, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value != NULL && !json_is_string(value))
		return wrong_type(doc, path, key, "a string", err);
	*ret_text = value != NULL ? json_string_value(value) : NULL;
	return 0;
}

int
jsonx_get_uint64(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		 const char *key, uint64_t *ret_number, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0))
		return wrong_type(doc, path, key, "a non-negative integer", err);
	*ret_number = value != NULL ? (uint64_t)json_integer_value(value) : 0;
	return 0;
}

int
jsonx_get_bool(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
	       const char *key, bool *ret_truth, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value != NULL && !json_is_boolean(value))
		return wrong_type(doc, path, key, "true or false", err);
	*ret_truth = json_is_true(value);
	return 0;
}

static char *
dump(const struct json_t *value, size_t flags, const char *end)
{
	char *text = json_dumps(value, flags), *whole;

	assert(text != NULL); /* only a cycle or invalid UTF-8 of our own could do that */
	whole = xasprintf("%s%s", text, end);
	free(text);
	return whole;
}

char *
jsonx_pretty(const struct json_t *value)
{
	return dump(value, JSON_INDENT(2), "\n");
}

char *
jsonx_compact(const struct json_t *value)
{
	return dump(value, JSON_COMPACT | JSON_SORT_KEYS, "");
}
