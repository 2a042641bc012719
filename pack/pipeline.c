/* SPDX-License-Identifier: MIT */
#include "pack/pipeline.h"

#include "base/alloc.h"
#include "base/interrupt.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

struct buffer {
	struct pipeline_item item; /* first, so that one is found from the other */
	struct buffer *next;       /* in the list of free ones, or in the queue */
	size_t granted;            /* bytes that may be used: those with memory behind them */
};

struct pipeline {
	const struct pipeline_work *work;
	struct pipeline_limits limits;
	pthread_mutex_t lock;
	pthread_cond_t freed;  /* a buffer came back */
	pthread_cond_t filled; /* an item was submitted, or there will be no more */
	pthread_cond_t ended;  /* a thread has ended */

	struct buffer *free_buffers;
	struct buffer *first, *last; /* the queue */
	struct buffer *buffers;
	size_t buffer_count;
	size_t used_count, used_bytes; /* taken and not yet given back; bytes as granted */
	size_t submitted;              /* of these, with the workers or in the queue */

	size_t next_source;
	size_t open_producers; /* threads that may still submit */
	size_t open_threads;
	bool failed;
	struct error error;
};

static void
pipeline_fail(struct pipeline *pipeline, const struct error *err)
{
	(void)pthread_mutex_lock(&pipeline->lock);
	if (!pipeline->failed) {
		pipeline->failed = true;
		pipeline->error = *err;
	}
	(void)pthread_cond_broadcast(&pipeline->freed);
	(void)pthread_cond_broadcast(&pipeline->filled);
	(void)pthread_mutex_unlock(&pipeline->lock);
}

int
pipeline_reserve(struct pipeline *pipeline, size_t size, struct pipeline_item **ret_item,
		 struct error *err)
{
	struct buffer *buffer;

	if (size > pipeline->limits.item_bytes)
		return error_set(err, ERR_INPUT, "got %zu bytes, expected at most %zu", size,
				 pipeline->limits.item_bytes);
	(void)pthread_mutex_lock(&pipeline->lock);
	while (pipeline->free_buffers == NULL && !pipeline->failed)
		(void)pthread_cond_wait(&pipeline->freed, &pipeline->lock);
	if (pipeline->failed) {
		*err = pipeline->error;
		(void)pthread_mutex_unlock(&pipeline->lock);
		return -1;
	}
	buffer = pipeline->free_buffers;
	pipeline->free_buffers = buffer->next;
	pipeline->used_count++;
	(void)pthread_mutex_unlock(&pipeline->lock);
	buffer->item.size = size;
	buffer->item.tag = NULL;
	*ret_item = &buffer->item;
	return 0;
}

/*
 * Two buffers may always be filled, so that there is something to do while one is worked on. Beyond
 * that a producer waits for what the workers will give back. If they have nothing, it goes on: more
 * is not to come from anybody.
 */
static bool
may_grow(const struct pipeline *pipeline, size_t more)
{
	return pipeline->used_count <= 2 || pipeline->submitted == 0 ||
	       pipeline->used_bytes + more <= pipeline->limits.buffer_bytes;
}

int
pipeline_grow(struct pipeline *pipeline, struct pipeline_item *item, size_t length,
	      struct error *err)
{
	struct buffer *buffer = (struct buffer *)item;
	size_t more = length - buffer->granted;
	int result = 0;

	assert(length <= item->size && length >= buffer->granted);
	(void)pthread_mutex_lock(&pipeline->lock);
	while (!may_grow(pipeline, more) && !pipeline->failed)
		(void)pthread_cond_wait(&pipeline->freed, &pipeline->lock);
	if (pipeline->failed) {
		*err = pipeline->error;
		result = -1;
	} else {
		buffer->granted = length;
		pipeline->used_bytes += more;
	}
	(void)pthread_mutex_unlock(&pipeline->lock);
	return result;
}

void
pipeline_submit(struct pipeline *pipeline, struct pipeline_item *item)
{
	struct buffer *buffer = (struct buffer *)item;

	assert(buffer->granted == item->size);
	buffer->next = NULL;
	(void)pthread_mutex_lock(&pipeline->lock);
	pipeline->submitted++;
	if (pipeline->last != NULL)
		pipeline->last->next = buffer;
	else
		pipeline->first = buffer;
	pipeline->last = buffer;
	(void)pthread_cond_signal(&pipeline->filled);
	(void)pthread_mutex_unlock(&pipeline->lock);
}

/* Back to the free ones, and the memory behind it back to the system. */
static void
give_back(struct pipeline *pipeline, struct buffer *buffer, bool submitted)
{
	if (buffer->granted != 0)
		(void)madvise(buffer->item.bytes, buffer->granted, MADV_DONTNEED);
	(void)pthread_mutex_lock(&pipeline->lock);
	buffer->next = pipeline->free_buffers;
	pipeline->free_buffers = buffer;
	pipeline->used_count--;
	pipeline->used_bytes -= buffer->granted;
	pipeline->submitted -= submitted;
	buffer->granted = 0;
	(void)pthread_cond_broadcast(&pipeline->freed);
	(void)pthread_mutex_unlock(&pipeline->lock);
}

void
pipeline_return(struct pipeline *pipeline, struct pipeline_item *item)
{
	if (item != NULL)
		give_back(pipeline, (struct buffer *)item, false);
}

/* The next item in order, or NULL when there will be none. */
static struct pipeline_item *
take(struct pipeline *pipeline)
{
	struct buffer *buffer = NULL;

	(void)pthread_mutex_lock(&pipeline->lock);
	while (pipeline->first == NULL && pipeline->open_producers != 0 && !pipeline->failed)
		(void)pthread_cond_wait(&pipeline->filled, &pipeline->lock);
	if (!pipeline->failed && pipeline->first != NULL) {
		buffer = pipeline->first;
		pipeline->first = buffer->next;
		if (pipeline->first == NULL)
			pipeline->last = NULL;
	}
	(void)pthread_mutex_unlock(&pipeline->lock);
	return buffer != NULL ? &buffer->item : NULL;
}

static bool
next_source(struct pipeline *pipeline, size_t *ret_source)
{
	bool found;

	(void)pthread_mutex_lock(&pipeline->lock);
	found = !pipeline->failed && pipeline->next_source < pipeline->work->source_count;
	if (found)
		*ret_source = pipeline->next_source++;
	(void)pthread_mutex_unlock(&pipeline->lock);
	return found;
}

static void
thread_ended(struct pipeline *pipeline, bool producer)
{
	(void)pthread_mutex_lock(&pipeline->lock);
	pipeline->open_threads--;
	if (producer)
		pipeline->open_producers--;
	(void)pthread_cond_broadcast(&pipeline->filled);
	(void)pthread_cond_signal(&pipeline->ended);
	(void)pthread_mutex_unlock(&pipeline->lock);
}

static void *
producer_main(void *argument)
{
	struct pipeline *pipeline = argument;
	struct error err = ERROR_INIT;
	size_t source;

	while (next_source(pipeline, &source))
		if (pipeline->work->produce(pipeline, source, pipeline->work->context, &err) < 0)
			pipeline_fail(pipeline, &err);
	thread_ended(pipeline, true);
	return NULL;
}

static void *
worker_main(void *argument)
{
	struct pipeline *pipeline = argument;
	const struct pipeline_work *work = pipeline->work;
	void *scratch = work->scratch_new();
	struct pipeline_item *item;
	struct error err = ERROR_INIT;

	while ((item = take(pipeline)) != NULL) {
		if (work->consume(item, scratch, work->context, &err) < 0)
			pipeline_fail(pipeline, &err);
		give_back(pipeline, (struct buffer *)item, true);
	}
	work->scratch_free(scratch);
	thread_ended(pipeline, false);
	return NULL;
}

/* Waits for all threads; a signal handler only sets a flag, so somebody has to look at it. */
static void
watch(struct pipeline *pipeline)
{
	enum { LOOK_NSEC = 50 * 1000 * 1000 };
	struct error err = ERROR_INIT;

	(void)pthread_mutex_lock(&pipeline->lock);
	while (pipeline->open_threads != 0) {
		struct timespec until;

		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_NSEC;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&pipeline->ended, &pipeline->lock, &until);
		if (!pipeline->failed && interrupt_check(&err) < 0) {
			(void)pthread_mutex_unlock(&pipeline->lock);
			pipeline_fail(pipeline, &err);
			(void)pthread_mutex_lock(&pipeline->lock);
		}
	}
	(void)pthread_mutex_unlock(&pipeline->lock);
}

/* Mapped, so that a buffer takes memory only as far as it is filled, and can give it back. */
static int
buffers_make(struct pipeline *pipeline, struct error *err)
{
	const struct pipeline_limits *limits = &pipeline->limits;
	size_t count = limits->workers + limits->producers;

	pipeline->buffers = xcalloc(count, sizeof(*pipeline->buffers));
	for (size_t i = 0; i < count; i++) {
		struct buffer *buffer = &pipeline->buffers[i];
		void *bytes = mmap(NULL, limits->item_bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (bytes == MAP_FAILED)
			return error_set_errno(err, ERR_IO, "cannot allocate %zu bytes",
					       limits->item_bytes);
		buffer->item.bytes = bytes;
		buffer->next = pipeline->free_buffers;
		pipeline->free_buffers = buffer;
		pipeline->buffer_count = i + 1;
	}
	return 0;
}

static void
pipeline_clear(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->buffer_count; i++)
		(void)munmap(pipeline->buffers[i].item.bytes, pipeline->limits.item_bytes);
	free(pipeline->buffers);
	(void)pthread_cond_destroy(&pipeline->freed);
	(void)pthread_cond_destroy(&pipeline->filled);
	(void)pthread_cond_destroy(&pipeline->ended);
	(void)pthread_mutex_destroy(&pipeline->lock);
}

static void
pipeline_init(struct pipeline *pipeline, const struct pipeline_work *work,
	      const struct pipeline_limits *limits)
{
	pthread_condattr_t monotonic;

	*pipeline = (struct pipeline){.work = work, .limits = *limits};
	assert(limits->workers != 0 && limits->producers != 0);
	if (pipeline->limits.item_bytes == 0)
		pipeline->limits.item_bytes = 1;
	(void)pthread_mutex_init(&pipeline->lock, NULL);
	(void)pthread_cond_init(&pipeline->freed, NULL);
	(void)pthread_cond_init(&pipeline->filled, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&pipeline->ended, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

/* Starts all threads, or none that anybody would have to wait for longer than for an error. */
static void
threads_run(struct pipeline *pipeline)
{
	size_t producers = pipeline->limits.producers, count = producers + pipeline->limits.workers;
	auto_free pthread_t *threads = xcalloc(count, sizeof(*threads));
	size_t started = 0;

	/* Counted before they run, so that no worker finds all producers gone too early. */
	pipeline->open_threads = count;
	pipeline->open_producers = producers;
	for (; started < count; started++) {
		int failure =
			pthread_create(&threads[started], NULL,
				       started < producers ? producer_main : worker_main, pipeline);
		struct error err = ERROR_INIT;

		if (failure == 0)
			continue;
		errno = failure;
		error_set_errno(&err, ERR_IO, "cannot start a thread");
		pipeline_fail(pipeline, &err);
		for (size_t missing = started; missing < count; missing++)
			thread_ended(pipeline, missing < producers);
		break;
	}
	watch(pipeline);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
}

int
pipeline_run(const struct pipeline_work *work, const struct pipeline_limits *limits,
	     struct error *err)
{
	AUTO(pipeline_clear) struct pipeline pipeline;

	pipeline_init(&pipeline, work, limits);
	if (buffers_make(&pipeline, err) < 0)
		return -1;
	threads_run(&pipeline);
	if (pipeline.failed)
		*err = pipeline.error;
	return pipeline.failed ? -1 : 0;
}
