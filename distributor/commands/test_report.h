/* SPDX-License-Identifier: MIT */
#pragma once

/* What `test` prints. */

#include "distributor/acceptance/acceptance.h"
#include "distributor/cli/command.h"

/* Prints the table or JSON. Returns -1 with ERR_VERIFY if a case failed. */
int acceptance_report(const struct app *app, struct acceptance *trial, double seconds, bool strict,
		      struct error *err) CHECKED;
