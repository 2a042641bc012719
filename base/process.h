/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Runs another program: arguments as an array and no shell, an environment of named variables only,
 * a cap on its output, and its standard error kept for the message when it fails.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PROCESS_EXTRA_FD 5

struct process_request {
	const char *const *argv;        /* ends with NULL; argv[0]: as program_find() finds it */
	const char *const *environment; /* "NAME=value", ends with NULL; NULL for none */
	const char *directory;          /* where it runs; NULL: the current directory */
	const char *input;              /* its standard input; NULL: empty */
	int lock_fd;       /* of lock_file(): if we are killed, the lock lasts until the program,
			    * which may go on writing, has ended; 0: none */
	int extra_fd;      /* the program and its children have it as PROCESS_EXTRA_FD; 0: none. Not
			    * with a lock_fd, which may have that number. */
	bool terminal;     /* it may prompt there: it stays in our process group, where a signal
			    * from the keyboard reaches it, and a stop signal of ours goes to it
			    * alone */
	bool own_errors;   /* its standard error is ours; `errors` of the result stays empty */
	size_t max_output; /* of standard output, in bytes; more is an error; 0: 1 MiB */
	unsigned int timeout_ms; /* then its process group is killed; 0: never */

	/*
	 * Called with each line that the program writes to descriptor 3, without its line end,
	 * while it runs; false stops the program. NULL: it has no descriptor 3. Lines over 4096
	 * bytes are skipped.
	 */
	bool (*status_line)(void *context, const char *line);
	void *context;
};

struct process_result {
	int status;    /* exit status; 128 + signal when a signal ended it */
	char *output;  /* standard output, terminated */
	size_t length; /* of `output` */
	char *errors;  /* the last 8 KiB of standard error */
};

#define PROCESS_RESULT_INIT {0, NULL, 0, NULL}

/*
 * Runs it to its end. Unless `terminal` is set, it gets a process group of its own, which stop
 * signals are sent to. From our environment it inherits the absolute directories of PATH, HOME,
 * TMPDIR, the proxy variables (http_proxy and so on) and SSL_CERT_FILE; LC_ALL is C.UTF-8; the
 * strings of `environment` are added, or replace these.
 *
 * Returns 0 whenever the program ran and ended, with any status. ERR_NOT_FOUND if there is no such
 * program, ERR_INPUT if it wrote more than `max_output`, ERR_IO, also if its output was still open
 * at the timeout.
 */
int process_run(const struct process_request *request, struct process_result *ret_result,
		struct error *err) CHECKED;

void process_result_clear(struct process_result *result);
