/* SPDX-License-Identifier: MIT */
/*
 * The grammar, with optional blanks around ',' and '=':
 *
 *     challenges  challenge *( "," challenge )
 *     challenge   scheme [ 1*SP ( token68 | parameter *( "," parameter ) ) ]
 *     parameter   token "=" ( token | quoted-string )
 *
 * Of what servers write besides, an empty value ("service=") and one that should be quoted
 * ("realm=/") are understood in the two schemes that are of interest.
 *
 * A comma may begin the next parameter or the next challenge; what follows the word decides: "="
 * makes it a parameter.
 */
#include "images/registry/challenge.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <string.h>
#include <strings.h>

#define MAX_VALUE      8192
#define MAX_CHALLENGES 16

#define TOKEN                                                                                      \
	"!#$%&'*+-.^_`|~0123456789"                                                                \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/* What an unquoted value of old servers holds as well: a URL. */
#define URL_CHARACTERS "/:?=&@;()[]{}<>"
#define BLANKS         " \t"

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, BLANKS);
}

/* Empty list elements ("a,,b") are to be accepted. */
static const char *
skip_commas(const char *at)
{
	return at + strspn(at, BLANKS ",");
}

/* Reads a quoted string after its opening quote. Returns what follows it, or NULL. */
static const char *
read_quoted(const char *at, char **ret_text)
{
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;

	for (; *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if (*at == '\0')
			return NULL;
		strbuf_add(&text, at, 1);
	}
	*ret_text = strbuf_take(&text);
	return at + 1;
}

static void
set_parameter(struct challenge *challenge, const char *name, char *value)
{
	const struct {
		const char *name;
		char **field;
	} known[] = {
		{"realm", &challenge->realm},
		{"service", &challenge->service},
		{"scope", &challenge->scope},
		{"error", &challenge->error},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcasecmp(known[i].name, name) == 0 && *known[i].field == NULL) {
			*known[i].field = value;
			return;
		}
	}
	free(value);
}

/*
 * Reads one parameter if there is one. Returns what follows it, `at` itself if what stands there is
 * no parameter, or NULL if it is malformed.
 */
static const char *
read_parameter(const char *at, struct challenge *challenge)
{
	size_t length = strspn(at, TOKEN);
	const char *equals = skip_blanks(at + length), *value;
	auto_free char *name = xstrndup(at, length);
	char *text = NULL;

	if (length == 0 || *equals != '=')
		return at;
	value = skip_blanks(equals + 1);
	/* "YIIB==" is a token68, whose padding looks like the beginning of a parameter. */
	if (challenge->scheme == CHALLENGE_OTHER && strchr("=,", *value) != NULL)
		return at;
	if (*value == '"') {
		value = read_quoted(value + 1, &text);
		if (value == NULL)
			return NULL;
	} else {
		size_t size = strspn(value, TOKEN URL_CHARACTERS);

		text = xstrndup(value, size);
		value += size;
	}
	set_parameter(challenge, name, text);
	value = skip_blanks(value);
	return *value == ',' || *value == '\0' ? value : NULL;
}

static enum challenge_scheme
scheme_of(const char *word, size_t length)
{
	if (length == 5 && strncasecmp(word, "Basic", 5) == 0)
		return CHALLENGE_BASIC;
	if (length == 6 && strncasecmp(word, "Bearer", 6) == 0)
		return CHALLENGE_BEARER;
	return CHALLENGE_OTHER;
}

/* "Negotiate YIIB...==": a value without a name, for schemes that are of no interest here. */
static const char *
skip_token68(const char *at)
{
	size_t length = strspn(at, TOKEN "/");
	const char *end = at + length + strspn(at + length, "=");

	end = skip_blanks(end);
	return length != 0 && (*end == ',' || *end == '\0') ? end : at;
}

/* Reads one challenge. Returns what follows it, or NULL. */
static const char *
read_challenge(const char *at, struct challenge *challenge)
{
	size_t length = strspn(at, TOKEN);
	const char *next;

	if (length == 0)
		return NULL;
	challenge->scheme = scheme_of(at, length);
	at += length;
	if (*at != '\0' && *at != ',' && strchr(BLANKS, *at) == NULL)
		return NULL;
	at = skip_blanks(at);
	next = read_parameter(at, challenge);
	if (next == at)
		return *at == '\0' || *at == ',' ? at : skip_token68(at);
	for (;;) {
		if (next == NULL || *next == '\0')
			return next;
		at = next;
		next = read_parameter(skip_commas(at), challenge);
		if (next == skip_commas(at))
			return at;
	}
}

static void
challenge_clear(struct challenge *challenge)
{
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
	free(challenge->error);
	*challenge = (struct challenge){.realm = NULL};
}

void
challenges_clear(struct challenges *list)
{
	for (size_t i = 0; i < list->count; i++)
		challenge_clear(&list->items[i]);
	free(list->items);
	*list = (struct challenges)CHALLENGES_INIT;
}

bool
challenges_parse(const char *value, struct challenges *list)
{
	size_t before = list->count;
	const char *at = value;

	if (strlen(value) > MAX_VALUE)
		return false;
	for (at = skip_commas(at); *at != '\0'; at = skip_commas(at)) {
		struct challenge challenge = {.realm = NULL};
		const char *next = read_challenge(at, &challenge);

		if (next == NULL || next == at || list->count >= MAX_CHALLENGES ||
		    (*next != ',' && *next != '\0')) {
			challenge_clear(&challenge);
			while (list->count > before)
				challenge_clear(&list->items[--list->count]);
			return false;
		}
		list->items = xgrow(list->items, list->count, sizeof(*list->items));
		list->items[list->count++] = challenge;
		at = next;
	}
	return list->count > before;
}

const struct challenge *
challenges_find(const struct challenges *list, enum challenge_scheme scheme)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].scheme == scheme)
			return &list->items[i];
	return NULL;
}
