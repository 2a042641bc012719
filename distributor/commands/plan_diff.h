/* SPDX-License-Identifier: MIT */
#pragma once

/* The differences between a matrix and the last lock: hosts, sources, versions. */

#include "distributor/cli/command.h"
#include "matrix/lock.h"

/* Prints one line per difference, or the same as JSON. `lock` is NULL when there is none. */
int plan_diff_print(struct app *app, const struct matrix *matrix, const struct lock *lock,
		    struct error *err) CHECKED;
