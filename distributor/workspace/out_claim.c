/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/out_claim.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"

#include <time.h>

int
out_claim(const char *out, bool wait, struct error *err)
{
	auto_free char *path = path_join(out, ".lock");
	bool told = false;

	if (make_directories(out, err) < 0)
		return -1;
	for (;;) {
		int fd = lock_file(path, false, err);

		if (fd >= 0 || err->code != ERR_BUSY)
			return fd;
		if (!wait)
			return error_set(err, ERR_BUSY, "another run is using '%s'", out);
		if (!told)
			log_info("waiting for another run in '%s'", out);
		told = true;
		/* Not a waiting lock: a signal has to be noticed. */
		(void)interrupt_pause(100);
		if (interrupt_check(err) < 0)
			return -1;
	}
}
