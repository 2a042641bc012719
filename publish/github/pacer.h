/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keeps requests that change something below a server's limits: a least interval between any two,
 * and so many that create content in a minute and in an hour. Used by several threads at once.
 */

#include "base/error.h"

#include <stdbool.h>

struct pacer;

/* 0 means no limit. The hour's budget is at most PACER_MAX_HOURLY. */
struct pacer_limits {
	unsigned int interval_ms;
	unsigned int per_minute; /* this and the next of what creates */
	unsigned int per_hour;
};

enum pacer_kind {
	PACER_CHANGE, /* alters or removes */
	PACER_CREATE,
};

enum { PACER_MAX_HOURLY = 5000 };

/* `notice` is told about waits of more than a few seconds; it may be NULL. */
struct pacer *pacer_new(const struct pacer_limits *limits,
			void (*notice)(void *context, const char *sentence), void *context) CHECKED;
void pacer_free(struct pacer *pacer);

/* Waits for the next free moment and takes it. ERR_INTERRUPTED. */
int pacer_wait(struct pacer *pacer, enum pacer_kind kind, struct error *err) CHECKED;

/*
 * Nothing goes out for so long from `now_sec` on, whoever asks: the server wants it so. A shorter
 * time than what is left changes nothing. Returns whether the wait is longer for it by a second or
 * more, and so news.
 */
bool pacer_hold(struct pacer *pacer, double now_sec, double seconds);

/* Waits until such a time is over, without taking a moment: for requests that change nothing. */
int pacer_wait_held(struct pacer *pacer, struct error *err) CHECKED;

/*
 * Takes the next free moment that is not before `now_sec` and returns it, on the clock of
 * monotonic_sec(): pacer_wait() without the wait.
 */
double pacer_take(struct pacer *pacer, enum pacer_kind kind, double now_sec) CHECKED;

/* Sleeps, and ends early with ERR_INTERRUPTED. */
int pacer_sleep(double seconds, struct error *err) CHECKED;
