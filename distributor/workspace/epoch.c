/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/epoch.h"

#include "base/number.h"
#include "matrix/lock.h"
#include "pack/tar.h"

#include <errno.h>
#include <stdlib.h>

int
source_date_epoch_or(int64_t default_sec, int64_t *ret_sec, struct error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t value;

	if (text == NULL || *text == '\0') {
		*ret_sec = default_sec;
		return 0;
	}
	if (!parse_uint(text, TAR_MAX_MTIME, &value))
		return error_set(err, ERR_USAGE,
				 "SOURCE_DATE_EPOCH must be a number of seconds, not '%s'", text);
	*ret_sec = (int64_t)value;
	return 0;
}

int
source_date_epoch(const struct lock *lock, int64_t *ret_sec, struct error *err)
{
	return source_date_epoch_or(lock->source_date_epoch, ret_sec, err);
}
