/* SPDX-License-Identifier: MIT */
#pragma once

/* cmocka, with the headers that it needs before it, and what most tests use. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Fails unless the last call succeeded, with the message of its error. */
#define assert_ok(call, err)                                                                       \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, (err).message);                                  \
	} while (0)

/* Fails unless the call failed with this code and a message that contains the text. */
#define assert_refused(call, err, wanted_code, wanted_text)                                        \
	do {                                                                                       \
		if ((call) >= 0)                                                                   \
			fail_msg("%s was accepted", #call);                                        \
		if ((err).code != (wanted_code) || strstr((err).message, (wanted_text)) == NULL)   \
			fail_msg("%s: code %d, message '%s'; wanted code %d and '%s'", #call,      \
				 (int)(err).code, (err).message, (int)(wanted_code),               \
				 (wanted_text));                                                   \
	} while (0)

/* Ends the test as skipped, and says why on standard error where a reader sees it. */
#define skip_because(...)                                                                          \
	do {                                                                                       \
		(void)fprintf(stderr, "# SKIPPED: " __VA_ARGS__);                                  \
		(void)fputc('\n', stderr);                                                         \
		skip();                                                                            \
	} while (0)
