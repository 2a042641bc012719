/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What GitHub answers, read from JSON. For the files of publish/ and their tests only. Everything
 * in it comes from outside and is checked; what is not used is not looked at.
 */

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

struct github_asset {
	uint64_t id;
	char *name;
	bool uploaded; /* false: "starter" or anything else that is not the whole file */
	uint64_t size;
	bool has_digest; /* old assets have none */
	struct digest sha256;
};

struct github_release {
	uint64_t id;
	char *tag;
	char *url;        /* of its page */
	char *upload_url; /* without the template at its end */
	bool draft;
	bool prerelease;
	bool immutable;
};

struct github_asset_list {
	struct github_asset *items;
	size_t count;
};

struct github_release_list {
	struct github_release *items;
	size_t count;
};

void github_asset_clear(struct github_asset *asset);
void github_release_clear(struct github_release *release);
void github_asset_list_clear(struct github_asset_list *list);
void github_release_list_clear(struct github_release_list *list);

/*
 * Readers of one answer each. `what` names the request in messages. The two for lists add to what
 * is in the list already, one page after the other, and leave it alone on failure. ERR_REMOTE.
 */
int github_parse_asset(const char *what, const char *text, size_t length,
		       struct github_asset *ret_asset, struct error *err) CHECKED;
int github_parse_assets(const char *what, const char *text, size_t length,
			struct github_asset_list *list, struct error *err) CHECKED;
int github_parse_release(const char *what, const char *text, size_t length,
			 struct github_release *ret_release, struct error *err) CHECKED;
int github_parse_releases(const char *what, const char *text, size_t length,
			  struct github_release_list *list, struct error *err) CHECKED;

/* The id of the object that a reference points at; whether it is an annotated tag. ERR_REMOTE. */
int github_parse_ref(const char *what, const char *text, size_t length, char **ret_id,
		     bool *ret_annotated, struct error *err) CHECKED;

/*
 * Hands each reference of a list to `visit`: its full name, and whether it is an annotated tag.
 * ERR_REMOTE.
 */
int github_parse_refs(const char *what, const char *text, size_t length,
		      void (*visit)(void *context, const char *name, bool annotated), void *context,
		      struct error *err) CHECKED;

/* Why a request was refused. */
enum github_refusal {
	GITHUB_REFUSAL_OTHER,
	GITHUB_REFUSAL_ALREADY_EXISTS, /* 422, an asset of this name is there */
	GITHUB_REFUSAL_FILE_COUNT,     /* 422, more than 1000 assets */
	GITHUB_REFUSAL_IMMUTABLE,      /* 422, the release is immutable */
	GITHUB_REFUSAL_BURNED_TAG,     /* 422, the tag was one of an immutable release */
	GITHUB_REFUSAL_INTEGRATION,    /* 403, a workflow's token may not do this */
	GITHUB_REFUSAL_RATE_LIMIT,     /* 403, 429: later */
};

/*
 * Reads the body of a refusal, which may be anything. `*ret_sentence` is what GitHub says, in one
 * line of at most 500 bytes, to be freed by the caller.
 */
enum github_refusal github_parse_refusal(const char *text, size_t length, char **ret_sentence);
