/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One run at a time in an output directory.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>

/*
 * Makes the directory `out` and locks it for this process until the returned descriptor is closed
 * or the process ends. While another run holds the lock, this waits, with a notice, or with `wait`
 * false fails with ERR_BUSY. ERR_IO, ERR_INTERRUPTED.
 */
int out_claim(const char *out, bool wait, struct error *err) CHECKED;
