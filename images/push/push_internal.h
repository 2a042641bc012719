/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files push*.c share with each other and with nobody else. */

#include "images/push/push.h"

#include <pthread.h>

enum { PUSH_MAX_TRIES = 4, PUSH_PAUSE_MS = 1000 };

/* In the order of pushing: what is referred to comes before what refers to it. */
enum phase { PHASE_MANIFEST, PHASE_INDEX, PHASE_REFERRER, PHASE_COUNT };

/* One manifest or index; its bytes are read when they are needed. */
struct document {
	struct oci_descriptor descriptor;
	enum phase phase;
};

/* One tag, and what the registry had under it at first. */
struct tag {
	const char *name; /* borrowed from the layout */
	const struct oci_descriptor *descriptor;
	bool had;
	struct digest old;
	struct digest now; /* what it has to lead to: `descriptor`, or signatures of others too */
	uint64_t now_size;
};

struct push {
	const struct layout *layout;
	struct registry *registry;
	const struct push_options *options;
	struct push_result *result;
	pthread_mutex_t lock; /* guards `result` and the calls of `event` */
	struct oci_descriptors blobs;
	struct document *documents;
	size_t document_count;
	enum phase phase; /* of the documents that are being pushed */
	struct tag *tags; /* in the order of pushing, without fallback tags */
	size_t tag_count;
	int rank;              /* of the tags that are being pushed */
	struct tag *fallbacks; /* tags that list referrers, see images/referrers.h */
	size_t fallback_count;
	struct progress_task *task;
};

/* Counts one thing and tells the caller's `event`; `tag` is NULL for what is no tag. */
void push_report(struct push *push, enum push_kind kind, enum push_effect effect,
		 const struct oci_descriptor *descriptor, const struct tag *tag);

/* ERR_VERIFY, ERR_IO: the layout does not have it. */
int push_read_document(const struct push *push, const struct oci_descriptor *descriptor,
		       struct oci_document *ret_document, struct error *err) CHECKED;

/*
 * Puts a document under a name. Large registries now and then say for a while that they do not know
 * a blob that they have just taken; docker-registry reads links that it is just writing.
 */
int push_put_document(struct push *push, const char *name, const struct oci_document *document,
		      struct error *err) CHECKED;

enum push_look { PUSH_NOTHING, PUSH_OTHER, PUSH_KNOWN };

/*
 * Looks at a tag that others write to as well. What is there is got and parsed unless its digest is
 * `known`: large registries count what is got, and not what is asked for. Returns one of the above,
 * with PUSH_OTHER the document in `ret_theirs`; or -1, ERR_INPUT for what is no document.
 */
int push_look_at(struct push *push, const char *tag, const struct digest *known,
		 struct registry_manifest *ret_seen, struct oci_parsed *ret_theirs,
		 struct error *err) CHECKED;

/*
 * Sees to it that the registry lists our referrers of one subject: by itself, which its own list
 * proves, or else in the list under the fallback tag. For parallel_for(): `index` is that of a
 * fallback tag, `context` the push.
 */
int push_referrers(size_t index, void *context, struct error *err) CHECKED;

/*
 * Sees to it that the registry has our signatures under cosign's tag of a subject, beside those
 * that others have put there. `tag->now` becomes what they all are together.
 */
int push_signatures(struct push *push, struct tag *tag, struct error *err) CHECKED;

/* Whether it has them now, whatever else it has. Returns 1, 0 or -1. */
int push_has_signatures(struct push *push, const struct tag *tag, struct error *err) CHECKED;

/* What was written may take a while to be seen. Returns false after the last look. */
bool push_pause_before_look(unsigned int looks);

/* The tags after this rank are left alone. */
int push_last_rank(const struct push *push);

/*
 * Sees to it that a tag leads to what was put there. For parallel_for(). ERR_NETWORK: it is still
 * missing; ERR_VERIFY: it leads elsewhere.
 */
int push_read_back(size_t index, void *context, struct error *err) CHECKED;
