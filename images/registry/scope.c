/* SPDX-License-Identifier: MIT */
#include "images/registry/scope.h"

#include "base/strbuf.h"

#include <stdbool.h>
#include <string.h>

/* One scope in a text: "TYPE:NAME" and its actions. */
struct part {
	const char *text;
	size_t length; /* of all of it */
	size_t name;   /* of TYPE:NAME; the same without actions */
};

static bool
next_part(const char **text, struct part *ret_part)
{
	const char *at = *text + strspn(*text, " ");
	size_t length = strcspn(at, " ");
	const char *colon = memrchr(at, ':', length);

	*ret_part = (struct part){at, length, colon != NULL ? (size_t)(colon - at) : length};
	*text = at + length;
	return length != 0;
}

static bool
same_thing(const struct part *a, const struct part *b)
{
	return a->name == b->name && memcmp(a->text, b->text, a->name) == 0;
}

/* The next of "pull,push" behind `at`, which is at the ':' or a ','; returns its end. */
static const char *
next_action(const char *at, size_t *ret_length)
{
	*ret_length = strcspn(at + 1, ", ");
	return at + 1 + *ret_length;
}

static bool
has_action(const struct part *part, const char *action, size_t length)
{
	const char *end = part->text + part->length;
	size_t here;

	for (const char *at = part->text + part->name; at < end;) {
		at = next_action(at, &here);
		if (here == length && memcmp(at - here, action, length) == 0)
			return true;
	}
	return false;
}

/* Whether all that `less` allows is in `more`. */
static bool
covers(const struct part *more, const struct part *less)
{
	const char *end = less->text + less->length;
	size_t length;

	for (const char *at = less->text + less->name; at < end;) {
		at = next_action(at, &length);
		if (!has_action(more, at - length, length))
			return false;
	}
	return true;
}

static bool
find_thing(const char *scopes, const struct part *wanted, struct part *ret_part)
{
	while (next_part(&scopes, ret_part))
		if (same_thing(ret_part, wanted))
			return true;
	return false;
}

static void
add_part(struct strbuf *out, const struct part *part)
{
	if (out->length != 0)
		strbuf_adds(out, " ");
	strbuf_add(out, part->text, part->length);
}

char *
scope_join(const char *own, const char *challenge)
{
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;
	const char *said = challenge != NULL ? challenge : "";
	struct part part, other;

	while (next_part(&own, &part)) {
		bool more = find_thing(said, &part, &other) && !covers(&part, &other);

		add_part(&out, more ? &other : &part);
	}
	for (const char *rest = said; next_part(&rest, &part);)
		if (!find_thing(strbuf_text(&out), &part, &other))
			add_part(&out, &part);
	return strbuf_take(&out);
}
