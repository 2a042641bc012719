/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SIGINT and SIGTERM: long loops check here and stop cleanly, leaving nothing half-written.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Installs the handlers; a second signal ends the program at once. SIGPIPE and SIGXFSZ are ignored:
 * write() returns them as errors.
 */
void interrupt_install(void);

bool interrupt_pending(void);

/* 0, or -1 with ERR_INTERRUPTED once a signal has arrived. */
int interrupt_check(struct error *err) CHECKED;

/*
 * Waits in steps of a tenth of a second, since a signal may wake another thread. Returns false at
 * once when a signal has arrived.
 */
bool interrupt_pause(uint64_t ms);

/* Ends the program by the signal that arrived, so that a shell sees it. */
void interrupt_die(void) __attribute__((noreturn));
