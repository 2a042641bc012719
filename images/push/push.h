/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Brings a layout to one repository of a registry.
 *
 * In this order, so that at every moment whatever can be pulled is whole: blobs, manifests by
 * digest, indexes by digest, what refers to them, then the tags: signatures, those that name the
 * version, those that move, `latest`. What was sent is asked for, and at the end every tag is read
 * back. What the registry has already is not sent. Lists of referrers, and signatures under
 * cosign's tags, are everybody's: ours are joined to what others have put there.
 */

#include "images/layout.h"
#include "images/registry/registry.h"

struct progress;

enum push_kind { PUSH_BLOB, PUSH_MANIFEST, PUSH_TAG };

enum push_effect {
	PUSH_KEPT,  /* it was there */
	PUSH_SENT,  /* it was not there */
	PUSH_MOVED, /* a tag that had another digest */
};

/* One thing that was done, or with `dry_run` would be done. Borrowed. */
struct push_event {
	enum push_kind kind;
	enum push_effect effect;
	const char *tag; /* PUSH_TAG only */
	const struct digest *digest;
	const struct digest *old; /* PUSH_MOVED: what the tag had */
	const char *media_type;
	uint64_t size;
};

struct push_options {
	const char *version;      /* "10.2.2-1": tags that are it or end in "-" and it never move */
	bool replace_version;     /* they do */
	bool only_version;        /* tags that move, and `latest`, stay where they are */
	bool dry_run;             /* look, and send nothing */
	unsigned int connections; /* at once, at least 1 */
	struct progress *progress;
	/* Told about each thing, by one thread at a time; may be NULL. */
	void (*event)(void *context, const struct push_event *event);
	void *context;
};

struct push_result {
	size_t blobs_kept, blobs_sent;
	size_t manifests_kept, manifests_sent; /* and indexes */
	size_t tags_kept, tags_new, tags_moved;
	uint64_t bytes_sent;
};

/*
 * Pushes all names of the layout. It can be stopped anywhere and done again. ERR_VERIFY: a blob of
 * the layout is damaged, a version's tag has another digest in the registry, or a tag that was
 * read back is not what was sent. `ret_result` is filled in any case with what was done.
 */
int push_layout(const struct layout *layout, struct registry *registry,
		const struct push_options *options, struct push_result *ret_result,
		struct error *err) CHECKED;

/* 0: a signature, 1: a tag of the version, 2: one that moves, 3: `latest`. */
int push_tag_rank(const char *tag, const char *version);
