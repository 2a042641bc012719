/* SPDX-License-Identifier: MIT */
#include "base/interrupt.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t pending_signal;

static void
remember(int number)
{
	pending_signal = number;
}

void
interrupt_install(void)
{
	/* SA_RESETHAND: whoever asks a second time means it. */
	struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigemptyset(&action.sa_mask);
	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* A file size limit is then an error of write(), like a full disk. */
	(void)sigaction(SIGXFSZ, &ignore, NULL);
}

bool
interrupt_pending(void)
{
	return pending_signal != 0;
}

int
interrupt_check(struct error *err)
{
	if (pending_signal == 0)
		return 0;
	return error_set(err, ERR_INTERRUPTED, "interrupted; run the same command again to resume");
}

bool
interrupt_pause(uint64_t ms)
{
	enum { STEP_MS = 100 };

	while (ms != 0 && !interrupt_pending()) {
		uint64_t step = ms < STEP_MS ? ms : STEP_MS;
		const struct timespec time = {0, (long)step * 1000000};

		(void)nanosleep(&time, NULL);
		ms -= step;
	}
	return !interrupt_pending();
}

void
interrupt_die(void)
{
	int number = pending_signal != 0 ? (int)pending_signal : SIGTERM;

	(void)signal(number, SIG_DFL);
	(void)raise(number);
	_exit(128 + number);
}
