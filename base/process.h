/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Runs another program: arguments as an array and no shell, an environment of named variables
 * only, a cap on what it may say, and its standard error kept for the message when it fails.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PROCESS_EXTRA_FD 5

struct process_request {
	const char *const *argv;        /* ends with NULL; argv[0]: as program_find() finds it */
	const char *const *environment; /* "NAME=value", ends with NULL; NULL for none */
	const char *directory;          /* where it runs; NULL for here */
	const char *input;              /* its standard input; NULL: empty */
	int lock_fd;       /* of lock_file(): if we are killed, the lock lasts until the program has
			    * ended, who may go on writing; 0: none */
	int extra_fd;      /* the program and what it starts have it as PROCESS_EXTRA_FD; 0: none.
			    * Not with a lock_fd, which may have that number. */
	bool terminal;     /* it may ask there: it stays in our process group, where a stop signal
			    * from the keyboard reaches it, and a stop of ours reaches it alone */
	bool own_errors;   /* its standard error is ours; `errors` of the result stays empty */
	size_t max_output; /* of standard output, in bytes; more is an error; 0: 1 MiB */
	unsigned int timeout_ms; /* after which its group is killed; 0: never */

	/*
	 * Called with each line that the program writes to descriptor 3, without its line end,
	 * while it runs; false stops the program. NULL: descriptor 3 is closed for it. Lines over
	 * 4096 bytes are left out.
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
 * Runs it to its end. It has a process group of its own, which is what a stop signal goes to,
 * unless `terminal` is set. Of our own environment it gets the absolute
 * directories of PATH, HOME, TMPDIR, the proxy variables (http_proxy and its like) and
 * SSL_CERT_FILE, with LC_ALL=C.UTF-8; the strings of `environment` are added, or replace these.
 *
 * Returns 0 whenever the program ran and ended, with whatever status. ERR_NOT_FOUND if there is no
 * such program, ERR_INPUT if it said more than `max_output`, ERR_IO, also if it still had its
 * output open when the time was over.
 */
int process_run(const struct process_request *request, struct process_result *ret_result,
		struct error *err) CHECKED;

void process_result_clear(struct process_result *result);
