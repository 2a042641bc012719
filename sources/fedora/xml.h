/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the XML of package repositories as a stream. Wraps expat.
 *
 * Document types are refused, so there are no entities to expand and nothing to load from
 * elsewhere. Depth, text and attributes are limited.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stddef.h>

/*
 * Callbacks for a document. Names have no prefix: `license` for <rpm:license>. The root element has
 * depth 1. Both return 0, or -1 with `err` set to stop.
 */
struct xml_handler {
	int (*start)(void *context, int depth, const char *name, const char *const *attributes,
		     struct error *err);
	/* `text` is the element's own text, without surrounding whitespace. */
	int (*end)(void *context, int depth, const char *name, const char *text, struct error *err);
	void *context;
};

struct xml_parser;

/* `handler` and `name`, the document's for messages, are borrowed. To be freed by the caller. */
struct xml_parser *xml_parser_new(const struct xml_handler *handler, const char *name) CHECKED;
void xml_parser_free(struct xml_parser *parser);
void xml_parser_freep(struct xml_parser **parser); /* for AUTO() */

/*
 * Parses the next bytes of the document. ERR_INPUT with the line if it is not well-formed or
 * exceeds a limit, and any error of the handler, prefixed with the document's name.
 */
int
xml_feed(struct xml_parser *parser, const void *bytes, size_t length, struct error *err) CHECKED;

/* Ends the document. ERR_INPUT if it is incomplete. */
int xml_finish(struct xml_parser *parser, struct error *err) CHECKED;

/* Parses a whole document in memory. */
int xml_parse(const struct xml_handler *handler, const char *name, const char *text, size_t length,
	      struct error *err) CHECKED;

/* The value of an attribute (its name without a prefix), or NULL. For `start`. */
const char *xml_attribute(const char *const *attributes, const char *name);
