/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is to be published, as plain values, and what became of it.
 */

#include "base/digest.h"
#include "base/strbuf.h"

#include <stddef.h>
#include <stdint.h>

struct publish_file {
	const char *name; /* as on the release page: [A-Za-z0-9._-] */
	const char *path;
	uint64_t size; /* in bytes */
	struct digest sha256;
};

/* Strings and files are borrowed. */
struct publication {
	const char *tag;    /* "v10.2.2-1" */
	const char *tag_id; /* of the tag object, in hexadecimal; NULL: whatever the remote has */
	const char *title;
	const char *body; /* Markdown */
	const struct publish_file *files;
	size_t count;
	bool latest;      /* becomes what "latest" stands for */
	bool tag_pending; /* for a dry run: the tag would have been pushed by now */
};

struct publish_result {
	char *url;        /* of the page or directory; owned; NULL as long as there is none */
	bool was_there;   /* published before, and identical */
	bool published;   /* now */
	bool latest;      /* "latest" stands for it now */
	bool moved;       /* and did not before, though it was there */
	bool immutable;   /* GitHub will let nobody change it */
	size_t uploaded;  /* files that were sent, or with --dry-run would be */
	size_t kept;      /* files that were there with the right bytes */
	size_t removed;   /* files that did not belong there */
	uint64_t bytes;   /* of the files that were sent */
	size_t requests;  /* to the API */
	size_t downloads; /* files without a digest, which were fetched and hashed */
};

#define PUBLISH_RESULT_INIT {.url = NULL}

void publish_result_clear(struct publish_result *result);

/*
 * Refuses what no target can hold: no files, more than 1000, an empty or too large one, a name that
 * is not plain or there twice. ERR_INPUT.
 */
int publication_check(const struct publication *release, struct error *err) CHECKED;

/* The file of this name, or NULL. */
const struct publish_file *publication_find(const struct publication *release, const char *name);

/* What is wrong with a release that is there, to be told in one sentence. */
struct publish_differences {
	struct strbuf text;
	size_t count;
};

#define PUBLISH_DIFFERENCES_INIT {STRBUF_INIT, 0}

void publish_differences_clear(struct publish_differences *differences);

/* Adds one; after a few they are only counted. */
void
publish_differences_add(struct publish_differences *differences, const char *name, const char *why);

/* 0 when there are none, else ERR_VERIFY with the sentence. */
int publish_differences_check(struct publish_differences *differences, struct error *err) CHECKED;
