/* SPDX-License-Identifier: MIT */
#include "distributor/cli/options.h"

#include "base/alloc.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_LONG = 256 };

struct parser {
	const struct option_spec *specs[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	size_t count;
};

static void
add_table(struct parser *parser, const struct option_spec *table)
{
	char *letter = parser->letters;

	*letter++ = ':'; /* a missing argument is reported as ':' and not printed */
	for (const struct option_spec *s = table; s->name != NULL; s++) {
		assert(parser->count < OPTIONS_MAX);
		parser->longs[parser->count] = (struct option){
			s->name, s->argument != NULL ? required_argument : no_argument, NULL,
			FIRST_LONG + (int)parser->count};
		parser->specs[parser->count++] = s;
		if (s->letter == '\0')
			continue;
		*letter++ = s->letter;
		if (s->argument != NULL)
			*letter++ = ':';
	}
	*letter = '\0';
}

static const struct option_spec *
find(const struct parser *parser, int value)
{
	if (value >= FIRST_LONG)
		return parser->specs[value - FIRST_LONG];
	for (size_t i = 0; i < parser->count; i++)
		if (parser->specs[i]->letter == value)
			return parser->specs[i];
	return NULL;
}

static int
parse_number(const struct option_spec *spec, const char *text, struct error *err)
{
	uint64_t value;

	if (!parse_uint(text, UINT64_MAX, &value))
		return error_set(err, ERR_USAGE, "--%s requires a whole number, not '%s'",
				 spec->name, text);
	*(uint64_t *)spec->target = value;
	return 0;
}

static int
store(const struct option_spec *spec, const char *text, struct error *err)
{
	struct text_list *list;

	switch ((enum option_type)(spec->type & ~(unsigned int)OPTION_HIDDEN)) {
	case OPTION_FLAG:
		*(bool *)spec->target = true;
		return 0;
	case OPTION_TEXT:
		if (*text == '\0')
			return error_set(err, ERR_USAGE, "--%s requires a non-empty argument",
					 spec->name);
		*(const char **)spec->target = text;
		return 0;
	case OPTION_NUMBER:
		return parse_number(spec, text, err);
	case OPTION_LIST:
		list = spec->target;
		list->items = xgrow(list->items, list->count, sizeof(*list->items));
		list->items[list->count++] = text;
		return 0;
	}
	return 0;
}

/* A word "--na" that two options begin with, "--name=value" for a flag, or no option at all. */
static int
refuse_long(const struct parser *parser, const char *word, struct error *err)
{
	const char *names[OPTIONS_MAX], *close, *first = NULL;
	auto_free char *name = xasprintf("%.*s", (int)strcspn(word, "="), word);

	for (size_t i = 0; i < parser->count; i++) {
		names[i] = parser->specs[i]->name;
		if (!text_starts_with(names[i], name + 2))
			continue;
		if (names[i][strlen(name) - 2] == '\0')
			return error_set(err, ERR_USAGE, "option '%s' takes no argument", name);
		if (first != NULL)
			return error_set(err, ERR_USAGE,
					 "option '%s' is ambiguous: '--%s' or '--%s'", name, first,
					 names[i]);
		first = names[i];
	}
	if (first != NULL)
		return error_set(err, ERR_USAGE, "option '--%s' takes no argument", first);
	close = text_closest(name + 2, names, parser->count);
	if (close != NULL)
		return error_set(err, ERR_USAGE, "unknown option '%s'; did you mean '--%s'?", name,
				 close);
	return error_set(err, ERR_USAGE, "unknown option '%s'", name);
}

/* getopt has passed the words before `optind`; of letters in one word it may be in the middle. */
static int
refuse_option(const struct parser *parser, char **argv, struct error *err)
{
	if (optopt != 0 && optopt < FIRST_LONG)
		return error_set(err, ERR_USAGE, "unknown option '-%c'", optopt);
	return refuse_long(parser, argv[optind - 1], err);
}

int
options_parse(const struct option_spec *table, int argc, char **argv, struct error *err)
{
	struct parser parser = {.count = 0};
	int value, operands;

	add_table(&parser, table);
	optind = 0; /* GNU: start over */
	opterr = 0;
	while ((value = getopt_long(argc, argv, parser.letters, parser.longs, NULL)) != -1) {
		const struct option_spec *spec;

		if (value == '?')
			return refuse_option(&parser, argv, err);
		if (value == ':')
			return error_set(err, ERR_USAGE, "option '%s' requires an argument",
					 argv[optind - 1]);
		spec = find(&parser, value);
		assert(spec != NULL);
		if (store(spec, optarg, err) < 0)
			return -1;
	}
	operands = argc - optind;
	memmove(argv + 1, argv + optind, (size_t)operands * sizeof(*argv));
	argv[1 + operands] = NULL;
	return operands;
}

static void
print_option(const struct option_spec *s)
{
	auto_free char *left = xasprintf(
		"%c%c%c --%s%s%s", s->letter != '\0' ? '-' : ' ',
		s->letter != '\0' ? s->letter : ' ', s->letter != '\0' ? ',' : ' ', s->name,
		s->argument != NULL ? " " : "", s->argument != NULL ? s->argument : "");
	const char *text = s->help;

	(void)printf("  %-26s", left);
	if (strlen(left) > 26)
		(void)printf("\n  %-26s", "");
	for (;;) {
		size_t line = strcspn(text, "\n");

		(void)printf(" %.*s\n", (int)line, text);
		if (text[line] == '\0')
			break;
		text += line + 1;
		(void)printf("  %-26s", "");
	}
}

void
options_print(const struct option_spec *table)
{
	for (const struct option_spec *s = table; s->name != NULL; s++)
		if ((s->type & OPTION_HIDDEN) == 0)
			print_option(s);
}
