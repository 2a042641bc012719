/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/epoch.h"

#include "base/number.h"
#include "distributor/workspace/workspace.h"
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
workspace_epoch(const struct workspace *work, int64_t *ret_sec, struct error *err)
{
	int64_t sec = work->epoch_sec;

	if (!work->made_again && source_date_epoch_or(work->lock->source_date_epoch, &sec, err) < 0)
		return -1;
	/* Of a release or a lock that others have written. */
	if (sec < 0 || sec > TAR_MAX_MTIME)
		return error_set(err, ERR_INPUT, "\"source_date_epoch\" is out of range: %lld",
				 (long long)sec);
	*ret_sec = sec;
	return 0;
}
