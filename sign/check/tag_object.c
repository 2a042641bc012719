/* SPDX-License-Identifier: MIT */
#include "sign/check/tag_object.h"

#include "base/alloc.h"
#include "base/number.h"
#include "base/strbuf.h"
#include "sign/check/sshsig.h"

#include <inttypes.h>
#include <string.h>

void
tag_object_clear(struct tag_object *tag)
{
	free(tag->commit);
	free(tag->name);
	free(tag->tagger);
	free(tag->message);
	free(tag->signature);
	*tag = (struct tag_object)TAG_OBJECT_INIT;
}

static bool
is_object_id(const char *text)
{
	size_t length = strlen(text);

	return (length == 40 || length == 64) && strspn(text, "0123456789abcdef") == length;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* What git takes as an identity: a name, " <", an address without blanks, ">". */
static bool
is_identity(const char *text)
{
	const char *open = strstr(text, " <");
	size_t length = strlen(text);

	return open != NULL && open != text && !has_control(text) && text[length - 1] == '>' &&
	       strcspn(text, "<") == (size_t)(open - text) + 1 &&
	       strcspn(text, ">") == length - 1 && strcspn(open + 2, " ") == strlen(open + 2);
}

static int
check(const struct tag_object *tag, const char *name, struct error *err)
{
	if (!is_object_id(tag->commit))
		return error_set(err, ERR_INPUT, "%s: '%s' is not a commit id", name, tag->commit);
	if (tag->name[0] == '\0' || has_control(tag->name) || strchr(tag->name, ' ') != NULL)
		return error_set(err, ERR_INPUT, "%s: '%s' is not a valid tag name", name,
				 tag->name);
	if (!is_identity(tag->tagger))
		return error_set(err, ERR_INPUT, "%s: the tagger '%s' is not 'NAME <EMAIL>'", name,
				 tag->tagger);
	if (tag->message[0] == '\0' || tag->message[0] == '\n')
		return error_set(err, ERR_INPUT, "%s: the tag has no message", name);
	if (strstr(tag->message, "-----BEGIN ") != NULL)
		return error_set(err, ERR_INPUT, "%s: the message contains a signature", name);
	return 0;
}

int
tag_object_format(const struct tag_object *tag, char **ret_text, struct error *err)
{
	if (check(tag, "tag", err) < 0)
		return -1;
	*ret_text = xasprintf("object %s\ntype commit\ntag %s\ntagger %s %" PRId64 " +0000\n\n%s%s",
			      tag->commit, tag->name, tag->tagger, tag->time_sec, tag->message,
			      text_ends_with(tag->message, "\n") ? "" : "\n");
	return 0;
}

/* The rest of the line if the text at `*at` begins with `key`; moves `*at` past it. Or NULL. */
static char *
take_line(const char **at, const char *key)
{
	const char *value = *at + strlen(key), *end;

	if (!text_starts_with(*at, key))
		return NULL;
	end = strchr(value, '\n');
	if (end == NULL)
		return NULL;
	*at = end + 1;
	return xstrndup(value, (size_t)(end - value));
}

/* Splits "NAME <EMAIL> SECONDS ZONE" in place. */
static bool
split_time(char *tagger, int64_t *ret_time)
{
	char *after = strchr(tagger, '>');
	const char *end;
	uint64_t seconds;

	if (after == NULL || after[1] != ' ')
		return false;
	end = after + 2;
	if (!parse_uint_prefix(&end, INT64_MAX, &seconds) || strlen(end) != 6 || end[0] != ' ' ||
	    (end[1] != '+' && end[1] != '-') || strspn(end + 2, "0123456789") != 4)
		return false;
	after[1] = '\0';
	*ret_time = (int64_t)seconds;
	return true;
}

static int
parse_message(const char *message, const char *whole, struct tag_object *tag, const char *name,
	      struct error *err)
{
	const char *begin = strstr(message, "-----BEGIN ");

	/* Git looks for the marker at the beginning of a line. */
	if (begin != NULL && begin != message && begin[-1] != '\n')
		return error_set(err, ERR_INPUT, "%s: the message contains a signature", name);
	if (begin == NULL)
		begin = message + strlen(message);
	tag->message = xstrndup(message, (size_t)(begin - message));
	tag->signed_size = (size_t)(begin - whole);
	if (!text_ends_with(tag->message, "\n"))
		return error_set(err, ERR_INPUT, "%s: the message does not end with a line end",
				 name);
	if (*begin == '\0')
		return 0;
	if (!text_starts_with(begin, SSHSIG_BEGIN))
		return error_set(err, ERR_INPUT, "%s: the tag's signature is not an SSH signature",
				 name);
	tag->signature = xstrdup(begin);
	return 0;
}

int
tag_object_parse(const char *text, size_t length, struct tag_object *ret_tag, const char *name,
		 struct error *err)
{
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
	auto_free char *whole = NULL, *type = NULL;
	const char *at;

	if (length > TAG_OBJECT_MAX_TEXT || memchr(text, '\0', length) != NULL)
		return error_set(err, ERR_INPUT, "%s: not a tag object", name);
	whole = xstrndup(text, length);
	at = whole;
	tag.commit = take_line(&at, "object ");
	type = tag.commit != NULL ? take_line(&at, "type ") : NULL;
	if (type == NULL)
		return error_set(err, ERR_INPUT, "%s: not a tag object", name);
	if (strcmp(type, "commit") != 0)
		return error_set(err, ERR_INPUT, "%s: the tag points to a %s, expected a commit",
				 name, type);
	tag.name = take_line(&at, "tag ");
	tag.tagger = tag.name != NULL ? take_line(&at, "tagger ") : NULL;
	if (tag.tagger == NULL || *at != '\n' || !split_time(tag.tagger, &tag.time_sec))
		return error_set(err, ERR_INPUT, "%s: the tag has no valid tagger", name);
	if (parse_message(at + 1, whole, &tag, name, err) < 0 || check(&tag, name, err) < 0)
		return -1;
	*ret_tag = tag;
	tag = (struct tag_object)TAG_OBJECT_INIT;
	return 0;
}
