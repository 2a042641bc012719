#include "images/pool.h"

#include "base/alloc.h"
#include "base/interrupt.h"

#include <pthread.h>

struct pool {
	int (*work)(void *context, size_t index, struct error *err);
	void *context;
	size_t count;
	pthread_mutex_t lock;
	size_t next;
	bool failed;
	size_t failed_at;
	struct error err;
};

static bool
take(struct pool *pool, size_t *ret_index)
{
	bool taken;

	(void)pthread_mutex_lock(&pool->lock);
	taken = !pool->failed && pool->next < pool->count;
	if (taken)
		*ret_index = pool->next++;
	(void)pthread_mutex_unlock(&pool->lock);
	return taken;
}

static void
fail(struct pool *pool, size_t index, const struct error *err)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (!pool->failed || index < pool->failed_at) {
		pool->failed = true;
		pool->failed_at = index;
		pool->err = *err;
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

static void *
run(void *argument)
{
	struct pool *pool = argument;
	struct error err = ERROR_INIT;
	size_t index;

	while (take(pool, &index))
		if (interrupt_check(&err) < 0 || pool->work(pool->context, index, &err) < 0)
			fail(pool, index, &err);
	return NULL;
}

int
pool_run(size_t count, unsigned int threads,
	 int (*work)(void *context, size_t index, struct error *err), void *context,
	 struct error *err)
{
	struct pool pool = {.work = work,
			    .context = context,
			    .count = count,
			    .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t *started = xcalloc(threads + 1, sizeof(*started));
	unsigned int running = 0;

	/* This thread works too; one that cannot be started is not missed. */
	while (running + 1 < threads && running + 1 < count &&
	       pthread_create(&started[running], NULL, run, &pool) == 0)
		running++;
	(void)run(&pool);
	for (unsigned int i = 0; i < running; i++)
		(void)pthread_join(started[i], NULL);
	free(started);
	(void)pthread_mutex_destroy(&pool.lock);
	if (!pool.failed)
		return 0;
	*err = pool.err;
	return -1;
}
