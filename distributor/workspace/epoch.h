/* SPDX-License-Identifier: MIT */
#pragma once

/* The timestamp of all results. */

#include "base/cleanup.h"
#include "base/error.h"

#include <stdint.h>

struct lock;

/*
 * SOURCE_DATE_EPOCH from the environment (reproducible-builds.org), else the lock's. ERR_USAGE if
 * the variable is not a number of seconds that fits into a tar header.
 */
int source_date_epoch(const struct lock *lock, int64_t *ret_sec, struct error *err) CHECKED;

/* The same with another time in place of the lock's. */
int source_date_epoch_or(int64_t default_sec, int64_t *ret_sec, struct error *err) CHECKED;
