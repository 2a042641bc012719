/* SPDX-License-Identifier: MIT */
#include "sources/fedora/xml.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define MAX_DEPTH 32
#define MAX_TEXT  (1U << 20)

struct xml_parser {
	XML_Parser expat;
	const struct xml_handler *handler;
	const char *name;
	int depth;
	struct strbuf texts[MAX_DEPTH + 1]; /* one for each open element */
	struct error error;                 /* of a callback; code ERR_NONE until one fails */
};

static void
stop(struct xml_parser *parser)
{
	(void)XML_StopParser(parser->expat, XML_FALSE);
}

static const char *
without_prefix(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

static void XMLCALL
on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct xml_parser *parser = user;

	if (parser->error.code != ERR_NONE)
		return;
	if (parser->depth == MAX_DEPTH) {
		(void)error_set(&parser->error, ERR_INPUT, "elements are nested too deeply");
		stop(parser);
		return;
	}
	parser->depth++;
	strbuf_clear(&parser->texts[parser->depth]);
	parser->texts[parser->depth] = (struct strbuf)STRBUF_INIT;
	parser->texts[parser->depth].max_length = MAX_TEXT;
	if (parser->handler->start(parser->handler->context, parser->depth, without_prefix(name),
				   (const char *const *)attributes, &parser->error) < 0)
		stop(parser);
}

/* The text without white space at its ends; changes the buffer. */
static const char *
trimmed(struct strbuf *text)
{
	static const char blanks[] = " \t\r\n";
	const char *all = strbuf_text(text);
	const char *start = all + strspn(all, blanks);
	size_t length = strlen(start);

	while (length > 0 && strchr(blanks, start[length - 1]) != NULL)
		length--;
	if (start[length] != '\0')
		text->text[(size_t)(start - all) + length] = '\0';
	return start;
}

static void XMLCALL
on_end(void *user, const XML_Char *name)
{
	struct xml_parser *parser = user;
	struct strbuf *text = &parser->texts[parser->depth];

	if (parser->error.code != ERR_NONE)
		return;
	if (text->overflow) {
		(void)error_set(&parser->error, ERR_INPUT, "text of <%s> is too long", name);
		stop(parser);
	} else if (parser->handler->end(parser->handler->context, parser->depth,
					without_prefix(name), trimmed(text), &parser->error) < 0) {
		stop(parser);
	}
	strbuf_clear(text);
	*text = (struct strbuf)STRBUF_INIT;
	parser->depth--;
}

static void XMLCALL
on_text(void *user, const XML_Char *text, int length)
{
	struct xml_parser *parser = user;

	if (parser->error.code == ERR_NONE)
		strbuf_add(&parser->texts[parser->depth], text, (size_t)length);
}

/* Entities can only be declared in a document type. */
static void XMLCALL
on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public,
	   int has_internal)
{
	struct xml_parser *parser = user;

	(void)system;
	(void)public;
	(void)has_internal;
	(void)error_set(&parser->error, ERR_INPUT, "document type '%s' is not allowed", name);
	stop(parser);
}

struct xml_parser *
xml_parser_new(const struct xml_handler *handler, const char *name)
{
	struct xml_parser *parser = xcalloc(1, sizeof(*parser));

	parser->handler = handler;
	parser->name = name;
	parser->expat = XML_ParserCreate(NULL);
	if (parser->expat == NULL)
		out_of_memory();
	XML_SetUserData(parser->expat, parser);
	XML_SetElementHandler(parser->expat, on_start, on_end);
	XML_SetCharacterDataHandler(parser->expat, on_text);
	XML_SetStartDoctypeDeclHandler(parser->expat, on_doctype);
	return parser;
}

void
xml_parser_free(struct xml_parser *parser)
{
	if (parser == NULL)
		return;
	XML_ParserFree(parser->expat);
	for (size_t i = 0; i < ARRAY_SIZE(parser->texts); i++)
		strbuf_clear(&parser->texts[i]);
	free(parser);
}

void
xml_parser_freep(struct xml_parser **parser)
{
	xml_parser_free(*parser);
	*parser = NULL;
}

/* expat 2.9 has deprecated the older of the two. */
static unsigned long
current_line(const struct xml_parser *parser)
{
#if XML_MAJOR_VERSION > 2 || (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION >= 9)
	return (unsigned long)XML_GetCurrentLineNumber64(parser->expat);
#else
	return (unsigned long)XML_GetCurrentLineNumber(parser->expat);
#endif
}

static int
feed(struct xml_parser *parser, const void *bytes, size_t length, bool final, struct error *err)
{
	enum XML_Status status;

	if (length > INT_MAX)
		return error_set(err, ERR_INPUT, "'%s' is too large", parser->name);
	status = XML_Parse(parser->expat, bytes, (int)length, final);
	if (parser->error.code != ERR_NONE) {
		*err = parser->error;
		return error_prefix(err, "'%s', line %lu", parser->name, current_line(parser));
	}
	if (status != XML_STATUS_OK)
		return error_set(err, ERR_INPUT, "'%s', line %lu: %s", parser->name,
				 current_line(parser),
				 XML_ErrorString(XML_GetErrorCode(parser->expat)));
	return 0;
}

int
xml_feed(struct xml_parser *parser, const void *bytes, size_t length, struct error *err)
{
	return feed(parser, bytes, length, false, err);
}

int
xml_finish(struct xml_parser *parser, struct error *err)
{
	return feed(parser, "", 0, true, err);
}

int
xml_parse(const struct xml_handler *handler, const char *name, const char *text, size_t length,
	  struct error *err)
{
	AUTO(xml_parser_freep) struct xml_parser *parser = xml_parser_new(handler, name);

	if (xml_feed(parser, text, length, err) < 0)
		return -1;
	return xml_finish(parser, err);
}

const char *
xml_attribute(const char *const *attributes, const char *name)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		if (strcmp(without_prefix(attributes[i]), name) == 0)
			return attributes[i + 1];
	}
	return NULL;
}
