#include "distributor/epoch.h"

#include "matrix/lock.h"
#include "pack/tar.h"

#include <errno.h>
#include <stdlib.h>

int
source_date_epoch(const struct lock *lock, int64_t *ret_sec, struct error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;
	long long value;

	if (text == NULL || *text == '\0') {
		*ret_sec = lock->source_date_epoch;
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
