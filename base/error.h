/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One error: what a caller can do about it, and one sentence for a person.
 *
 * The storage belongs to the caller, usually on the stack of main(); there is nothing to free and
 * reporting cannot fail. The setters return -1, so that `return error_set(...)` is one line.
 * Messages are scrubbed of control characters and cut at the size of the buffer.
 */

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>

enum error_code {
	ERR_NONE,
	ERR_IO,          /* a file or the system here: disk full, no permission */
	ERR_USAGE,       /* the command line */
	ERR_INPUT,       /* a file that the user can change: matrix, lock, package */
	ERR_VERIFY,      /* a signature, digest or identity is wrong; never try again */
	ERR_NETWORK,     /* no answer or a temporary refusal; may be tried again */
	ERR_REMOTE,      /* the server breaks its protocol */
	ERR_DENIED,      /* the server refuses credentials, permissions or a name */
	ERR_NOT_FOUND,   /* no such file here, or a 404 */
	ERR_BUSY,        /* in use by another process */
	ERR_INTERRUPTED, /* the user stopped it */
};

struct error {
	enum error_code code;
	bool remote; /* with ERR_NOT_FOUND: a server lacks it */
	char message[2048];
};

#define ERROR_INIT {.code = ERR_NONE}

/* Sets code and message. Evaluates to -1. */
#define error_set(err, code, ...) ERROR_MINUS_ONE(error_write((err), (code), __VA_ARGS__))

/*
 * Sets ERR_NOT_FOUND and a message about something that a server lacks. A missing local file is the
 * user's to correct; a missing remote one may be found by trying later or elsewhere.
 */
#define error_set_absent(err, ...) ERROR_MINUS_ONE(error_write_absent((err), __VA_ARGS__))

/* As error_set(), with ": " and the text of errno. Only directly after the call that set errno. */
#define error_set_errno(err, code, ...)                                                            \
	ERROR_MINUS_ONE(error_write_errno((err), (code), __VA_ARGS__))

/* Puts text and ": " before the message, for context that the inner function does not have. */
#define error_prefix(err, ...) ERROR_MINUS_ONE(error_write_prefix((err), __VA_ARGS__))

/* For functions with a format parameter of their own. Returns -1. */
int error_vset(struct error *err, enum error_code code, const char *format, va_list args)
	PRINTF_LIKE(3, 0);

/*
 * The functions behind these macros. The macros let the compiler see the -1, so that it can warn
 * when an unwritten output is used.
 */
#define ERROR_MINUS_ONE(call)                                                                      \
	__extension__({                                                                            \
		call;                                                                              \
		-1;                                                                                \
	})
void
error_write(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);
void error_write_absent(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
void error_write_errno(struct error *err, enum error_code code, const char *format, ...)
	PRINTF_LIKE(3, 4);
void error_write_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Exit status of the program: 0 none, 1 here, 2 usage, 3 input, 4 verify, 5 remote. */
int error_exit_status(const struct error *err);

/*
 * Replaces each byte that could control a terminal by '?', in place: control characters (C0, DEL,
 * C1), separators of lines, bidirectional controls, and bytes that are not UTF-8, which some
 * terminals take for C1.
 */
void scrub_text(char *text);
