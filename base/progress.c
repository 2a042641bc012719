/* SPDX-License-Identifier: MIT */
#include "base/progress.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strbuf.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

static const double REDRAW_SEC = 0.1;
enum { MAX_BARS = 12 };

struct progress {
	pthread_mutex_t lock;
	bool quiet;
	bool bars;    /* standard error is a terminal */
	size_t drawn; /* lines of bars on the screen, above the cursor */
	double last_draw_sec;
	struct progress_task *first;
};

struct progress_task {
	struct progress *owner;
	struct progress_task *next;
	char *label;
	enum progress_unit unit;
	uint64_t total, amount, resumed;
	double started_sec;
};

double
monotonic_sec(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

char *
format_bytes(uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.95 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	return unit == 0 ? xasprintf("%llu B", (unsigned long long)bytes)
			 : xasprintf("%.1f %s", value, units[unit]);
}

/* Takes the bars off the screen. The lock is held. */
static void
erase(struct progress *progress)
{
	while (progress->drawn > 0) {
		(void)fputs("\033[1A\033[2K", stderr);
		progress->drawn--;
	}
}

static unsigned int
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		return 80;
	return size.ws_col;
}

static char *
describe(const struct progress_task *task, double now)
{
	double elapsed = now - task->started_sec;
	double rate = elapsed > 0.2 ? (double)(task->amount - task->resumed) / elapsed : 0;
	auto_free char *left = NULL;
	auto_free char *speed = NULL;

	if (task->total > task->amount && rate > 0)
		left = xasprintf("%.0f s left", (double)(task->total - task->amount) / rate);
	if (task->unit == PROGRESS_ITEMS)
		return xasprintf("%llu/%llu  %s", (unsigned long long)task->amount,
				 (unsigned long long)task->total, left != NULL ? left : "");
	speed = format_bytes((uint64_t)rate);
	return xasprintf("%s/s  %s", speed, left != NULL ? left : "");
}

static void
draw_bar(const struct progress_task *task, unsigned int width, double now)
{
	/* What stands around the bar: the label, brackets, percents, "999.9 MB/s  9999 s left". */
	enum { BAR = 24, AROUND = 30 + 3 + 7 + 24 };
	unsigned int bar_width = width > AROUND + BAR ? BAR : width > AROUND ? width - AROUND : 1;
	auto_free char *numbers = describe(task, now);
	char bar[BAR + 1];
	unsigned int percent = 0, filled;
	auto_free char *line = NULL;

	if (task->total != 0)
		percent = (unsigned int)(task->amount * 100 / task->total);
	if (percent > 100)
		percent = 100;
	filled = percent * bar_width / 100;
	memset(bar, '=', filled);
	memset(bar + filled, ' ', bar_width - filled);
	bar[bar_width] = '\0';
	line = xasprintf("%-30.30s [%s] %3u%%  %s", task->label, bar, percent, numbers);
	(void)fprintf(stderr, "%.*s\n", (int)width - 1, line);
}

static void
draw(struct progress *progress, bool now_or_never)
{
	double now = monotonic_sec();
	unsigned int width;

	if (!progress->bars || (!now_or_never && now - progress->last_draw_sec < REDRAW_SEC))
		return;
	width = terminal_width();
	erase(progress);
	for (struct progress_task *t = progress->first; t != NULL; t = t->next) {
		if (progress->drawn == MAX_BARS)
			break;
		draw_bar(t, width, now);
		progress->drawn++;
	}
	progress->last_draw_sec = now;
	(void)fflush(stderr);
}

static void
step_aside(void *context, bool before)
{
	struct progress *progress = context;

	if (!before)
		return;
	(void)pthread_mutex_lock(&progress->lock);
	erase(progress);
	(void)pthread_mutex_unlock(&progress->lock);
}

struct progress *
progress_new(bool quiet)
{
	struct progress *progress = xcalloc(1, sizeof(*progress));
	const char *term = getenv("TERM");

	(void)pthread_mutex_init(&progress->lock, NULL);
	progress->quiet = quiet;
	progress->bars =
		!quiet && isatty(STDERR_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
	if (progress->bars)
		log_set_guard(step_aside, progress);
	return progress;
}

void
progress_free(struct progress *progress)
{
	if (progress == NULL)
		return;
	if (progress->bars)
		log_set_guard(NULL, NULL);
	erase(progress);
	(void)pthread_mutex_destroy(&progress->lock);
	free(progress);
}

void
progress_freep(struct progress **progress)
{
	progress_free(*progress);
	*progress = NULL;
}

struct progress_task *
progress_start(struct progress *progress, const char *label, enum progress_unit unit,
	       uint64_t total)
{
	struct progress_task *task, **end;

	if (progress == NULL)
		return NULL;
	task = xcalloc(1, sizeof(*task));
	task->owner = progress;
	task->label = xstrdup(label);
	scrub_text(task->label);
	task->unit = unit;
	task->total = total;
	task->started_sec = monotonic_sec();
	(void)pthread_mutex_lock(&progress->lock);
	for (end = &progress->first; *end != NULL; end = &(*end)->next)
		;
	*end = task;
	draw(progress, false);
	(void)pthread_mutex_unlock(&progress->lock);
	return task;
}

void
progress_set_total(struct progress_task *task, uint64_t total)
{
	if (task == NULL)
		return;
	(void)pthread_mutex_lock(&task->owner->lock);
	task->total = total;
	(void)pthread_mutex_unlock(&task->owner->lock);
}

void
progress_add(struct progress_task *task, uint64_t amount)
{
	if (task == NULL)
		return;
	(void)pthread_mutex_lock(&task->owner->lock);
	task->amount += amount;
	draw(task->owner, false);
	(void)pthread_mutex_unlock(&task->owner->lock);
}

void
progress_set(struct progress_task *task, uint64_t amount)
{
	if (task == NULL)
		return;
	(void)pthread_mutex_lock(&task->owner->lock);
	task->amount = amount;
	task->resumed = amount;
	task->started_sec = monotonic_sec();
	draw(task->owner, false);
	(void)pthread_mutex_unlock(&task->owner->lock);
}

void
progress_done(struct progress_task *task, const char *result)
{
	struct progress *progress;
	struct progress_task **at;

	if (task == NULL)
		return;
	progress = task->owner;
	(void)pthread_mutex_lock(&progress->lock);
	for (at = &progress->first; *at != task; at = &(*at)->next)
		;
	*at = task->next;
	if (result != NULL && !progress->quiet) {
		auto_free char *clean = log_redact(result);

		scrub_text(clean);
		erase(progress);
		(void)fprintf(stderr, "%s\n", clean);
	}
	draw(progress, true);
	(void)pthread_mutex_unlock(&progress->lock);
	free(task->label);
	free(task);
}
