/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/epoch.h"

#include "matrix/lock.h"
#include "pack/tar.h"

#include <errno.h>
#include <stdlib.h>

int
source_date_epoch_or(int64_t default_sec, int64_t *ret_sec, struct error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;
	long long value;

	if (text == NULL || *text == '\0') {
		*ret_sec = default_sec;
		return 0;
	}
	errno = 0;
	value = strtoll(text, &end, 10);
	/* strtoll() also takes blanks and signs. */
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > TAR_MAX_MTIME)
		return error_set(err, ERR_USAGE,
				 "SOURCE_DATE_EPOCH has to be a number of seconds, not '%s'", text);
	*ret_sec = value;
	return 0;
}

int
source_date_epoch(const struct lock *lock, int64_t *ret_sec, struct error *err)
{
	return source_date_epoch_or(lock->source_date_epoch, ret_sec, err);
}
