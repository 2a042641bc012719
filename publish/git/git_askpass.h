/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How a token reaches git: it asks this program, started again as its GIT_ASKPASS.
 *
 * The token waits in a pipe that git and its children inherit; it can be read once, and is in no
 * argument, URL or environment. GIT_ASKPASS_VARIABLE says which descriptor that is and for which
 * server.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define GIT_ASKPASS_VARIABLE "DISTRIBUTOR_ASKPASS"

/*
 * "https://HOST:PORT" of an https URL, in lower case and with its port, to be freed by the caller;
 * NULL for anything else, also with what no host has in it. What comes before '@' is left out.
 */
char *git_https_origin(const char *url) CHECKED;

enum git_question { GIT_QUESTION_OTHER, GIT_QUESTION_USER, GIT_QUESTION_PASSWORD };

/* What git asks ("Password for 'https://x@github.com': "), if that is about the server's origin. */
enum git_question git_askpass_question(const char *prompt, const char *origin) CHECKED;

/*
 * Does the work of an askpass program if this process was started as one, and stores its exit
 * status. False if not: then nothing was done.
 */
bool git_askpass_run(int argc, char **argv, int *ret_status) CHECKED;
