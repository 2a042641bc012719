/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "pack/tarball.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A tarball that is accepted says of its program what is true. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("tarball", MFD_CLOEXEC);
	auto_free uint8_t *program = NULL;
	struct packed_member member;
	struct digest digest;
	int64_t mtime_sec;
	struct error err = ERROR_INIT;

	if (fd < 0 || write_all(fd, bytes, size, "fuzz", &err) < 0)
		return 0;
	if (tarball_read(fd, "fuzz", &member, &mtime_sec, &program, &err) < 0)
		return 0;
	digest_of(program, (size_t)member.size, &digest);
	if (!digest_equal(&digest, &member.sha256) || strlen(member.target) >= TARGET_SIZE)
		abort();
	return 0;
}
