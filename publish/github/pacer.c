/* SPDX-License-Identifier: MIT */
#include "publish/github/pacer.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/progress.h"

#include <pthread.h>
#include <time.h>

/* Waits that are worth a line. */
static const double NOTICE_SEC = 5;

struct pacer {
	pthread_mutex_t lock;
	struct pacer_limits limits;
	double held_until_sec;
	double last_sec;   /* of whatever kind; negative before the first */
	double *taken_sec; /* a ring of the last `room` moments that create */
	size_t room, count;
	void (*notice)(void *context, const char *sentence);
	void *context;
};

struct pacer *
pacer_new(const struct pacer_limits *limits, void (*notice)(void *context, const char *sentence),
	  void *context)
{
	struct pacer *pacer = xcalloc(1, sizeof(*pacer));

	(void)pthread_mutex_init(&pacer->lock, NULL);
	pacer->limits = *limits;
	if (pacer->limits.per_hour > PACER_MAX_HOURLY)
		pacer->limits.per_hour = PACER_MAX_HOURLY;
	if (pacer->limits.per_minute > PACER_MAX_HOURLY)
		pacer->limits.per_minute = PACER_MAX_HOURLY;
	pacer->room = 1 + (limits->per_hour > limits->per_minute ? pacer->limits.per_hour
								 : pacer->limits.per_minute);
	pacer->taken_sec = xcalloc(pacer->room, sizeof(*pacer->taken_sec));
	pacer->last_sec = -1;
	pacer->notice = notice;
	pacer->context = context;
	return pacer;
}

void
pacer_free(struct pacer *pacer)
{
	if (pacer == NULL)
		return;
	(void)pthread_mutex_destroy(&pacer->lock);
	free(pacer->taken_sec);
	free(pacer);
}

/* When the moment `back` places before the next one was taken. */
static double
taken(const struct pacer *pacer, size_t back)
{
	return pacer->taken_sec[(pacer->count - back) % pacer->room];
}

/* The first time at which one more moment keeps all limits. The lock is held. */
static double
next_free(const struct pacer *pacer, enum pacer_kind kind)
{
	const struct pacer_limits *limits = &pacer->limits;
	double next = pacer->held_until_sec;

	if (pacer->last_sec >= 0 && pacer->last_sec + limits->interval_ms / 1000.0 > next)
		next = pacer->last_sec + limits->interval_ms / 1000.0;
	if (kind != PACER_CREATE)
		return next;
	if (limits->per_minute != 0 && pacer->count >= limits->per_minute &&
	    taken(pacer, limits->per_minute) + 60 > next)
		next = taken(pacer, limits->per_minute) + 60;
	if (limits->per_hour != 0 && pacer->count >= limits->per_hour &&
	    taken(pacer, limits->per_hour) + 3600 > next)
		next = taken(pacer, limits->per_hour) + 3600;
	return next;
}

double
pacer_take(struct pacer *pacer, enum pacer_kind kind, double now_sec)
{
	double next;

	(void)pthread_mutex_lock(&pacer->lock);
	next = next_free(pacer, kind);
	if (next < now_sec)
		next = now_sec;
	pacer->last_sec = next;
	if (kind == PACER_CREATE)
		pacer->taken_sec[pacer->count++ % pacer->room] = next;
	(void)pthread_mutex_unlock(&pacer->lock);
	return next;
}

int
pacer_sleep(double seconds, struct error *err)
{
	if (seconds > 0)
		(void)interrupt_pause((uint64_t)(seconds * 1000) + 1);
	return interrupt_check(err);
}

static void
tell(const struct pacer *pacer, double seconds)
{
	auto_free char *sentence = NULL;

	if (pacer->notice == NULL || seconds < NOTICE_SEC)
		return;
	sentence = xasprintf(
		"slowing down to stay below GitHub's rate limit; next request in %.0f s", seconds);
	pacer->notice(pacer->context, sentence);
}

int
pacer_wait(struct pacer *pacer, enum pacer_kind kind, struct error *err)
{
	/* The moment is taken before the sleep, so that another thread gets the one after it. */
	double now = monotonic_sec(), next = pacer_take(pacer, kind, now);

	tell(pacer, next - now);
	if (pacer_sleep(next - now, err) < 0)
		return -1;
	return pacer_wait_held(pacer, err);
}

bool
pacer_hold(struct pacer *pacer, double now_sec, double seconds)
{
	double until = now_sec + seconds;
	bool is_news;

	(void)pthread_mutex_lock(&pacer->lock);
	is_news = until >= pacer->held_until_sec + 1;
	if (until > pacer->held_until_sec)
		pacer->held_until_sec = until;
	(void)pthread_mutex_unlock(&pacer->lock);
	return is_news;
}

int
pacer_wait_held(struct pacer *pacer, struct error *err)
{
	for (;;) {
		double left;

		(void)pthread_mutex_lock(&pacer->lock);
		left = pacer->held_until_sec - monotonic_sec();
		(void)pthread_mutex_unlock(&pacer->lock);
		if (left <= 0)
			return interrupt_check(err);
		if (pacer_sleep(left, err) < 0)
			return -1;
	}
}
