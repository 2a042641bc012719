/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "pack/layer.h"

#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * A tarball that is accepted becomes a layer, and what is said of the layer's tar is found again.
 * One that is not fails in the same way where a layer is made of it.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("tarball", MFD_CLOEXEC);
	auto_close int out = memfd_create("layer", MFD_CLOEXEC);
	struct packed_member member = {.target = "arm"};
	struct layer_part part = {&member, fd, "fuzz"};
	struct written_file file;
	struct digest diff_id;
	int64_t mtime_sec = 0;
	struct error err = ERROR_INIT;
	int known;

	if (fd < 0 || out < 0 || write_all(fd, bytes, size, "fuzz", &err) < 0)
		return 0;
	known = tarball_read(fd, "fuzz", &member, &mtime_sec, NULL, &err);
	if ((layer_diff_id(&part, 1, mtime_sec, &diff_id, &err) < 0) != (known < 0))
		abort();
	if (known == 0 && layer_write(out, "layer", &part, 1, mtime_sec, &file, &err) < 0)
		abort();
	return 0;
}
