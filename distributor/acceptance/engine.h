/* SPDX-License-Identifier: MIT */
#pragma once

/* Commands of a container engine, as arguments and without a shell. */

#include "base/error.h"
#include "base/words.h"
#include "distributor/cli/options.h"

#include <stddef.h>

/* Adds the words of a text that has blanks between them. */
void words_split(struct words *words, const char *text);

struct engine {
	struct words command;
	struct words run_options;
	unsigned int timeout_ms;
};

/*
 * Runs "ENGINE FIRST... ARGUMENTS..."; `arguments` ends with NULL. `ret_said` gets standard output,
 * to be freed by the caller. ERR_VERIFY with the engine's words if it does not end with `status`.
 */
int engine_call(const struct engine *engine, const char *const *arguments, int status,
		char **ret_said, struct error *err) CHECKED;

/* Runs a container: "run --rm OPTION... [--privileged] ARGUMENTS...". */
int engine_run_container(const struct engine *engine, bool privileged, const char *const *arguments,
			 int status, char **ret_said, struct error *err) CHECKED;

/* The same for any other program. */
int engine_call_program(const struct engine *engine, const char *const *argv, char **ret_said,
			struct error *err) CHECKED;
