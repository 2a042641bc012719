/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * XML of the kinds that package repositories have, read as a stream. Wraps expat.
 *
 * No document type is accepted, and so there are no entities to expand and nothing to load from
 * elsewhere. Depth, text and attributes are bounded.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stddef.h>

/*
 * What is done with a document. Names come without their prefix: `license` for <rpm:license>. The
 * root element has depth 1. Both return 0, or -1 with `err` set to stop.
 */
struct xml_handler {
	int (*start)(void *context, int depth, const char *name, const char *const *attributes,
		     struct error *err);
	/* `text` is what stood directly inside of the element, without blanks at its ends. */
	int (*end)(void *context, int depth, const char *name, const char *text, struct error *err);
	void *context;
};

struct xml_parser;

/* `handler` and `name`, the document's for messages, are borrowed. To be freed by the caller. */
struct xml_parser *xml_parser_new(const struct xml_handler *handler, const char *name) CHECKED;
void xml_parser_free(struct xml_parser *parser);
void xml_parser_freep(struct xml_parser **parser); /* for AUTO() */

/*
 * The next bytes of the document. ERR_INPUT with the line for what is not well-formed or over a
 * bound, and whatever the handler reports, with the document's name in front.
 */
int
xml_feed(struct xml_parser *parser, const void *bytes, size_t length, struct error *err) CHECKED;

/* The document ends here. ERR_INPUT if it may not. */
int xml_finish(struct xml_parser *parser, struct error *err) CHECKED;

/* A whole document in memory. */
int xml_parse(const struct xml_handler *handler, const char *name, const char *text, size_t length,
	      struct error *err) CHECKED;

/* The value of an attribute, named without a prefix, or NULL. For `start`. */
const char *xml_attribute(const char *const *attributes, const char *name);
