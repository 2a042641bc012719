/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reports what a release run did: for a terminal, for programs, and for the page of a workflow run.
 */

#include "distributor/cli/command.h"
#include "distributor/steps/release.h"

/*
 * Prints the table of steps, or with --json a document. `err` is the error that ended the run, or
 * NULL.
 */
void release_summary_print(const struct app *app, const struct release_run *releasing,
			   const struct release_run_options *options, const struct error *err);

/*
 * Adds the table as Markdown to the file that GITHUB_STEP_SUMMARY names; without it, does nothing.
 * A failure to write is a warning: the release does not depend on it.
 */
void release_summary_add_markdown(const struct release_run *releasing, const struct error *err);
