/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/interrupt.h"
#include "base/parallel.h"
#include "pack/pipeline.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { ITEMS = 200, SOURCES = 5, ITEM_BYTES = 4096 };

/* What the threads of one run saw. */
struct run {
	pthread_mutex_t lock;
	size_t produced, consumed, held, most_held;
	size_t order[SOURCES]; /* the next item of each source */
	bool in_order;
	size_t fail_source, fail_item; /* consume() fails there */
	size_t fail_produce;           /* produce() fails in that source */
	bool interrupt;
};

static int live_scratches;
static pthread_mutex_t scratch_lock = PTHREAD_MUTEX_INITIALIZER;

static void *
scratch_new(void)
{
	(void)pthread_mutex_lock(&scratch_lock);
	live_scratches++;
	(void)pthread_mutex_unlock(&scratch_lock);
	return &live_scratches;
}

static void
scratch_free(void *scratch)
{
	(void)scratch;
	(void)pthread_mutex_lock(&scratch_lock);
	live_scratches--;
	(void)pthread_mutex_unlock(&scratch_lock);
}

static int
produce(struct pipeline *pipeline, size_t source, void *context, struct error *err)
{
	struct run *run = context;

	for (size_t i = 0; i < ITEMS; i++) {
		struct pipeline_item *item;

		if (source == run->fail_produce && i == 3)
			return error_set(err, ERR_INPUT, "source %zu is damaged", source);
		if (pipeline_reserve(pipeline, ITEM_BYTES - i, &item, err) < 0)
			return -1;
		if (run->interrupt && i == 5) {
			pipeline_return(pipeline, item);
			(void)raise(SIGTERM);
			/* However long it goes on, it is stopped. */
			while (pipeline_reserve(pipeline, 1, &item, err) == 0)
				pipeline_return(pipeline, item);
			return -1;
		}
		if (i == 7) {
			/* Given back and taken again: nothing is lost. */
			pipeline_return(pipeline, item);
			if (pipeline_reserve(pipeline, ITEM_BYTES - i, &item, err) < 0)
				return -1;
		}
		for (size_t piece = 1; piece <= 4; piece++)
			if (pipeline_grow(pipeline, item, item->size * piece / 4, err) < 0) {
				pipeline_return(pipeline, item);
				return -1;
			}
		(void)pthread_mutex_lock(&run->lock);
		run->produced++;
		if (++run->held > run->most_held)
			run->most_held = run->held;
		(void)pthread_mutex_unlock(&run->lock);
		memset(item->bytes, (int)(i & 0xff), item->size);
		item->tag = &run->order[source];
		pipeline_submit(pipeline, item);
	}
	return 0;
}

static int
consume(const struct pipeline_item *item, void *scratch, void *context, struct error *err)
{
	struct run *run = context;
	size_t *next = item->tag, index = ITEM_BYTES - item->size;

	assert_ptr_equal(scratch, &live_scratches);
	(void)pthread_mutex_lock(&run->lock);
	run->consumed++;
	run->held--;
	/* Two workers may finish in another order, but neither starts far ahead. */
	if (index > *next + 8 || item->bytes[item->size - 1] != (uint8_t)index)
		run->in_order = false;
	(*next)++;
	(void)pthread_mutex_unlock(&run->lock);
	if (next == &run->order[run->fail_source] && index == run->fail_item)
		return error_set(err, ERR_VERIFY, "item %zu is wrong", index);
	return 0;
}

static int
run_it(struct run *run, unsigned int workers, unsigned int producers, size_t buffers,
       struct error *err)
{
	struct pipeline_work work = {.produce = produce,
				     .source_count = SOURCES,
				     .consume = consume,
				     .scratch_new = scratch_new,
				     .scratch_free = scratch_free,
				     .context = run};
	struct pipeline_limits limits = {workers, producers, ITEM_BYTES, buffers * ITEM_BYTES};

	(void)pthread_mutex_init(&run->lock, NULL);
	return pipeline_run(&work, &limits, err);
}

#define RUN_INIT {.in_order = true, .fail_source = 0, .fail_item = ITEMS, .fail_produce = SOURCES}

static void
test_everything_arrives(void **state)
{
	static const struct {
		unsigned int workers, producers;
		size_t buffers, most;
	} rows[] = {{1, 1, 0, 2}, {1, 1, 9, 2},   {2, 1, 3, 3},
		    {2, 2, 2, 2}, {4, 3, 100, 7}, {3, 9, 5, 5}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run run = RUN_INIT;
		struct error err = ERROR_INIT;

		assert_ok(run_it(&run, rows[i].workers, rows[i].producers, rows[i].buffers, &err),
			  err);
		assert_int_equal(run.produced, ITEMS * SOURCES);
		assert_int_equal(run.consumed, ITEMS * SOURCES);
		assert_true(run.in_order);
		assert_true(run.most_held <= rows[i].most);
		assert_int_equal(live_scratches, 0);
	}
}

static void
test_first_error_ends_it(void **state)
{
	struct run worker = RUN_INIT, producer = RUN_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	worker.fail_source = 2;
	worker.fail_item = 11;
	assert_refused(run_it(&worker, 2, 2, 3, &err), err, ERR_VERIFY, "item 11 is wrong");
	assert_true(worker.consumed < ITEMS * SOURCES);
	producer.fail_produce = 1;
	assert_refused(run_it(&producer, 2, 1, 3, &err), err, ERR_INPUT, "source 1 is damaged");
	assert_true(producer.produced < ITEMS * 2);
	assert_int_equal(live_scratches, 0);
}

static int
produce_too_large(struct pipeline *pipeline, size_t source, void *context, struct error *err)
{
	struct pipeline_item *item = NULL;

	(void)source;
	(void)context;
	return pipeline_reserve(pipeline, ITEM_BYTES + 1, &item, err);
}

static void
test_larger_than_expected(void **state)
{
	struct run run = RUN_INIT;
	struct pipeline_work work = {produce_too_large, 1,   consume, scratch_new,
				     scratch_free,      &run};
	struct pipeline_limits limits = {1, 1, ITEM_BYTES, 0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(pipeline_run(&work, &limits, &err), err, ERR_INPUT, "4097 bytes");
}

static int
job(size_t index, void *context, struct error *err)
{
	int *seen = context;

	seen[index]++;
	return index == 70 ? error_set(err, ERR_INPUT, "item %zu", index) : 0;
}

static void
test_parallel_for(void **state)
{
	int seen[100] = {0};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(parallel_for(70, 3, job, seen, &err), err);
	assert_ok(parallel_for(0, 3, job, seen, &err), err);
	for (size_t i = 0; i < 70; i++)
		assert_int_equal(seen[i], 1);
	assert_refused(parallel_for(100, 1, job, seen, &err), err, ERR_INPUT, "item 70");
	assert_int_equal(seen[71], 0);
	assert_refused(parallel_for(100, 8, job, seen, &err), err, ERR_INPUT, "item 70");
}

/* Fails: the first job only some time after the second. */
static int
fail_in_reverse(size_t index, void *context, struct error *err)
{
	atomic_bool *failed = context;

	for (int i = 0; index == 0 && i < 5000 && !atomic_load(failed); i++)
		(void)usleep(1000);
	if (index == 0)
		(void)usleep(100000);
	atomic_store(failed, true);
	return error_set(err, ERR_INPUT, "item %zu", index);
}

static void
test_first_failure(void **state)
{
	atomic_bool failed = false;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(parallel_for(9, 2, fail_in_reverse, &failed, &err), err, ERR_INPUT,
		       "item 0");
}

/* The last test: the signal stays remembered. */
static void
test_signal_ends_it(void **state)
{
	struct run run = RUN_INIT;
	int seen[100] = {0};
	struct error err = ERROR_INIT;

	(void)state;
	interrupt_install();
	run.interrupt = true;
	assert_refused(run_it(&run, 1, 1, 2, &err), err, ERR_INTERRUPTED,
		       "run the same command again");
	assert_refused(parallel_for(100, 2, job, seen, &err), err, ERR_INTERRUPTED, "interrupted");
	assert_int_equal(live_scratches, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_arrives),
		cmocka_unit_test(test_first_error_ends_it),
		cmocka_unit_test(test_larger_than_expected),
		cmocka_unit_test(test_parallel_for),
		cmocka_unit_test(test_first_failure),
		cmocka_unit_test(test_signal_ends_it),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
