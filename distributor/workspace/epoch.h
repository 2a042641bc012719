/* SPDX-License-Identifier: MIT */
#pragma once

/* The timestamp of all results. */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdint.h>

struct workspace;

/*
 * That of a release that is made again, else SOURCE_DATE_EPOCH from the environment
 * (reproducible-builds.org), else the lock's. ERR_USAGE if the variable is not a number of seconds
 * that fits into a tar header, ERR_INPUT for such a number in a lock or a release.
 */
int workspace_epoch(const struct workspace *work, int64_t *ret_sec, struct error *err) CHECKED;

/* SOURCE_DATE_EPOCH, else another time. */
int source_date_epoch_or(int64_t default_sec, int64_t *ret_sec, struct error *err) CHECKED;
