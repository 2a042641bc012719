/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An OCI image layout on disk:
 *
 *     oci-layout                  {"imageLayoutVersion":"1.0.0"}
 *     index.json                  the tags: one descriptor each, its name in an annotation
 *     blobs/sha256/HEX            everything else, by digest
 *
 * Blobs appear complete under their digest or not at all, and index.json is replaced last and in
 * one step, so that a layout is whole at every moment: before, it is the old one.
 */

#include "base/file.h"
#include "images/oci.h"

struct layout;

/* One name of the layout. */
struct layout_tag {
	char *name; /* owned */
	struct oci_descriptor descriptor;
};

struct layout_tags {
	struct layout_tag *items;
	size_t count;
};

#define LAYOUT_TAGS_INIT {NULL, 0}

/* Adds a name; the descriptor is copied, without platform and annotations. */
void layout_tags_add(struct layout_tags *tags, const char *name,
		     const struct oci_descriptor *descriptor);

/* The descriptor of a name, or NULL; borrowed. */
const struct oci_descriptor *layout_tags_find(const struct layout_tags *tags, const char *name);
void layout_tags_clear(struct layout_tags *tags);

/*
 * The text of an index.json with these names, sorted; `part` as layout_part() has it. To be freed
 * by the caller.
 */
char *layout_index_format(const struct layout_tags *tags, const char *part) CHECKED;

/* What the annotations of an index.json say: whether this program wrote it, and layout_part(). */
bool layout_index_is_ours(const struct oci_labels *annotations);
const char *layout_index_part(const struct oci_labels *annotations);

/*
 * Makes the directory or goes on with one that an earlier run made, and takes its lock until
 * layout_free(). A directory with an index.json that this program did not write is refused:
 * ERR_INPUT. ERR_BUSY (another run is at it), ERR_IO.
 */
int layout_create(const char *path, struct layout **ret_layout, struct error *err) CHECKED;

/*
 * Opens any layout for reading. `command` makes one, which the sentence says if it is missing:
 * ERR_INPUT, as for names that cannot be tags. ERR_IO.
 */
int layout_open(const char *path, const char *command, struct layout **ret_layout,
		struct error *err) CHECKED;

void layout_free(struct layout *layout);
void layout_freep(struct layout **layout); /* for AUTO() */

/* Where the layout lies; borrowed. */
const char *layout_path(const struct layout *layout);

/* The names of index.json as it is on disk now; borrowed. */
const struct layout_tags *layout_tags(const struct layout *layout);

/* The text of index.json as it is on disk now, NULL if there is none; borrowed. */
const char *layout_index(const struct layout *layout);

/*
 * The hosts of a layout that has a part of a release's hosts only ("aarch64,s390x"), NULL for a
 * whole one; borrowed. It is kept in index.json, so that a part is not published by mistake.
 */
const char *layout_part(const struct layout *layout);

/* What the next layout_publish() writes there; copied. */
void layout_set_part(struct layout *layout, const char *hosts);

/* The path of a blob, to be freed by the caller. */
char *layout_blob_path(const struct layout *layout, const struct digest *digest) CHECKED;

/*
 * Whether the blob is there: same size and, for `verify`, same digest. A file of that name with
 * other content counts as missing, and is replaced by the next layout_put...().
 */
bool
layout_has(const struct layout *layout, const struct digest *digest, uint64_t size, bool verify);

/* Writes a document, unless it is there. ERR_IO. */
int
layout_put(struct layout *layout, const struct oci_document *document, struct error *err) CHECKED;

/*
 * A blob whose digest is known only when it is written: write to `tmp->fd`, then commit. The blob
 * keeps the caller's digest, so that the caller has hashed what it wrote. ERR_IO.
 */
int layout_blob_begin(struct layout *layout, struct tempfile *tmp, struct error *err) CHECKED;
int layout_blob_commit(struct layout *layout, struct tempfile *tmp, const struct digest *digest,
		       struct error *err) CHECKED;

/*
 * Takes over a blob of another layout after comparing its digest: as a hard link or reflink where
 * that works, else as a copy. ERR_VERIFY names the file. ERR_IO.
 */
int layout_take_blob(struct layout *layout, const struct layout *from, const struct digest *digest,
		     uint64_t size, struct error *err) CHECKED;

/*
 * Reads a small blob (a manifest, index or config) and compares size and digest. The text is
 * terminated and to be freed by the caller. ERR_VERIFY, ERR_NOT_FOUND, ERR_INPUT (too large).
 */
int layout_read(const struct layout *layout, const struct oci_descriptor *descriptor,
		char **ret_text, struct error *err) CHECKED;

/* The same, parsed. */
int layout_read_parsed(const struct layout *layout, const struct oci_descriptor *descriptor,
		       struct oci_parsed *ret_parsed, struct error *err) CHECKED;

/*
 * Opens a blob for reading after comparing its size; the caller compares the digest of what it
 * reads where that matters. Returns the descriptor or -1: ERR_NOT_FOUND, ERR_VERIFY (size), ERR_IO.
 */
int layout_open_blob(const struct layout *layout, const struct oci_descriptor *descriptor,
		     struct error *err) CHECKED;

/*
 * Adds to `tags` the names of signatures and referrers that are there now and speak about an image
 * that `tags` lead to. They are put into a layout after it was made.
 */
void layout_keep_signatures(const struct layout *layout, struct layout_tags *tags);

/*
 * Makes these names the content of the layout: writes oci-layout and index.json (sorted by name,
 * unless that very text is there) and then removes the blobs that nothing refers to any more.
 * ERR_IO, ERR_VERIFY and ERR_NOT_FOUND when a blob that a name leads to is damaged or missing: then
 * nothing has changed. `ret_changed` tells whether index.json is new; it may be NULL.
 */
int layout_publish(struct layout *layout, const struct layout_tags *tags, bool *ret_changed,
		   struct error *err) CHECKED;

/* Called for each blob that a name leads to, once, children before what refers to them. */
struct layout_visit {
	int (*blob)(void *context, const struct oci_descriptor *descriptor, struct error *err);
	int (*document)(void *context, const struct oci_descriptor *descriptor,
			const struct oci_parsed *parsed, struct error *err);
	void *context;
};

/*
 * Walks everything that `tags` lead to: first the configs and layers of a manifest, then the
 * manifest, then the index it is in. A digest is visited once. Errors of layout_read() and of the
 * calls; ERR_INPUT for an index in an index.
 */
int layout_walk(const struct layout *layout, const struct layout_tags *tags,
		const struct layout_visit *visit, struct error *err) CHECKED;
