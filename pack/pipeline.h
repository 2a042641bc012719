/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Threads that process a stream of large items with a fixed amount of memory.
 *
 * Producers fill buffers from a small pool, one whole item each; workers take them in the order of
 * submission. When the buffers reach their limit, producers wait, even in the middle of an item, so
 * that memory does not grow with the number of items, sources or hosts. The first error, or a
 * signal, stops everything.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct pipeline;

/* A buffer with one item. */
struct pipeline_item {
	uint8_t *bytes;
	size_t size;
	void *tag; /* for the producer to set and the worker to read */
};

/* All of these are called from several threads at once; `context` is passed to each. */
struct pipeline_work {
	/* Submits all items of one source, from 0 to source_count - 1. Runs once for each. */
	int (*produce)(struct pipeline *pipeline, size_t source, void *context, struct error *err);
	size_t source_count;

	/*
	 * Processes one item; it owns the buffer until it returns. `scratch` belongs to the thread.
	 */
	int (*consume)(const struct pipeline_item *item, void *scratch, void *context,
		       struct error *err);
	void *(*scratch_new)(void);
	void (*scratch_free)(void *scratch);

	void *context;
};

struct pipeline_limits {
	unsigned int workers;   /* threads that consume; at least 1 */
	unsigned int producers; /* sources that are produced at once; at least 1 */
	size_t item_bytes;      /* of the largest item */
	size_t buffer_bytes;    /* of all buffers together; two are always filled, whatever their
				 * size */
};

/*
 * Runs it to its end. On failure returns -1 with the first error of any function, or
 * ERR_INTERRUPTED, after all threads have ended.
 */
int pipeline_run(const struct pipeline_work *work, const struct pipeline_limits *limits,
		 struct error *err) CHECKED;

/*
 * From produce(): waits for a free buffer for `size` bytes, none of which may be used yet.
 * pipeline_submit() or pipeline_return() gives it back. ERR_INPUT if `size` is above the limit; any
 * other error means that the pipeline is ending.
 */
int pipeline_reserve(struct pipeline *pipeline, size_t size, struct pipeline_item **ret_item,
		     struct error *err) CHECKED;

/*
 * Waits until the first `length` bytes of the buffer may be used, at least as many as before.
 * Called before each piece, of a megabyte or so, is filled in. An error means that the pipeline is
 * ending; the caller still owns the item.
 */
int pipeline_grow(struct pipeline *pipeline, struct pipeline_item *item, size_t length,
		  struct error *err) CHECKED;

/* Hands an item to the workers, filled to its size. */
void pipeline_submit(struct pipeline *pipeline, struct pipeline_item *item);

/* Returns an unused buffer; NULL is allowed. */
void pipeline_return(struct pipeline *pipeline, struct pipeline_item *item);
