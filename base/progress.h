/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Progress of long work: bars on a terminal, one plain line per finished task otherwise.
 *
 * Lower folders get a `struct progress_task` and only count; they never print. All functions may be
 * called from several threads. A NULL task is allowed everywhere and shows nothing.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;
struct progress_task;

enum progress_unit { PROGRESS_BYTES, PROGRESS_ITEMS };

/* `quiet`: shows nothing. Bars appear only when standard error is a terminal. */
struct progress *progress_new(bool quiet) CHECKED;

/* Clears the bars. All tasks must be done. */
void progress_free(struct progress *progress);
void progress_freep(struct progress **progress);

/*
 * Opens a task. `label` is copied; `total` may be 0 for unknown. Without a terminal a task shows
 * nothing until it is done.
 */
struct progress_task *progress_start(struct progress *progress, const char *label,
				     enum progress_unit unit, uint64_t total) CHECKED;

void progress_set_total(struct progress_task *task, uint64_t total);
void progress_add(struct progress_task *task, uint64_t amount);

/* Sets the count; a restarted transfer goes back to where it resumes. */
void progress_set(struct progress_task *task, uint64_t amount);

/*
 * Ends and frees a task. `result` is the line that stays ("fetched qemu-user, 64.2 MB in 3.1 s"),
 * NULL for none.
 */
void progress_done(struct progress_task *task, const char *result);

/* "64.2 MB", decimal units, to be freed by the caller. */
char *format_bytes(uint64_t bytes) CHECKED;

/* Seconds on a clock that never jumps. */
double monotonic_sec(void);
