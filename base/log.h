/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines for people on standard error. Folders below distributor/ use log_debug() only.
 *
 * Every line goes through one function, which scrubs control characters and replaces registered
 * secrets.
 */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* The lowest level that is shown; LOG_INFO at the start. */
void log_set_level(enum log_level level);

/*
 * Whether `fd` may get colours: it is a terminal, TERM is not "dumb", and NO_COLOR is not set.
 */
bool log_has_colours(int fd);

/*
 * From now on `secret`, also base64-encoded, appears as "***" in every line. Copied; at most 16,
 * each of 8 to 4096 bytes; shorter ones would hide ordinary words and are ignored.
 */
void log_add_secret(const char *secret);

/* The same for a short-lived secret of up to 64 KiB; the newest 16 are remembered. */
void log_add_token(const char *token);

/* Replaces registered secrets in `text`, to be freed by the caller. */
char *log_redact(const char *text) CHECKED;

void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * Called with true before and false after a line is written, so that a progress display can step
 * aside.
 */
void log_set_guard(void (*guard)(void *context, bool before), void *context);
