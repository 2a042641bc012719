/* SPDX-License-Identifier: MIT */
#include "base/parallel.h"

#include "base/alloc.h"
#include "base/interrupt.h"

#include <pthread.h>

struct shared {
	pthread_mutex_t lock;
	size_t next, count;
	int (*job)(size_t index, void *context, struct error *err);
	void *context;
	bool failed;
	size_t failed_at;
	struct error error;
};

static bool
next_index(struct shared *shared, size_t *ret_index)
{
	bool found;

	(void)pthread_mutex_lock(&shared->lock);
	found = !shared->failed && shared->next < shared->count;
	if (found)
		*ret_index = shared->next++;
	(void)pthread_mutex_unlock(&shared->lock);
	return found;
}

static void
note_failure(struct shared *shared, size_t index, const struct error *err)
{
	(void)pthread_mutex_lock(&shared->lock);
	if (!shared->failed || index < shared->failed_at) {
		shared->failed = true;
		shared->failed_at = index;
		shared->error = *err;
	}
	(void)pthread_mutex_unlock(&shared->lock);
}

static void *
work(void *argument)
{
	struct shared *shared = argument;
	struct error err = ERROR_INIT;
	size_t index;

	while (next_index(shared, &index))
		if (interrupt_check(&err) < 0 || shared->job(index, shared->context, &err) < 0)
			note_failure(shared, index, &err);
	return NULL;
}

int
parallel_for(size_t count, unsigned int threads,
	     int (*job)(size_t index, void *context, struct error *err), void *context,
	     struct error *err)
{
	struct shared shared = {.count = count, .job = job, .context = context};
	size_t wanted = threads < count ? threads : count, started = 0;
	auto_free pthread_t *others = xcalloc(wanted + 1, sizeof(*others));

	(void)pthread_mutex_init(&shared.lock, NULL);
	/* A thread that cannot be had is no failure: the others do its share. */
	while (started + 1 < wanted && pthread_create(&others[started], NULL, work, &shared) == 0)
		started++;
	(void)work(&shared);
	while (started > 0)
		(void)pthread_join(others[--started], NULL);
	(void)pthread_mutex_destroy(&shared.lock);
	if (shared.failed)
		*err = shared.error;
	return shared.failed ? -1 : 0;
}
