/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "sources/rpm/rpm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int
memory_file(const uint8_t *bytes, size_t size, char path[64])
{
	struct error err = ERROR_INIT;
	int fd = memfd_create("part", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, bytes, size, "part", &err) < 0)
		abort();
	(void)snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/*
 * A signature header, whose length stands in the first two octets, and a package that it is joined
 * with. What comes out is a package with the same main header.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t length = size < 2 ? 0 : (size_t)(bytes[0] << 8 | bytes[1]);
	char package_path[64], signature_path[64], out_path[64];
	struct error err = ERROR_INIT;

	if (size < 2)
		return 0;
	if (length > size - 2)
		length = size - 2;
	auto_close int signature = memory_file(bytes + 2, length, signature_path);
	auto_close int package = memory_file(bytes + 2 + length, size - 2 - length, package_path);
	auto_close int out = memory_file(bytes, 0, out_path);

	(void)signature;
	(void)package;
	if (rpm_splice(package_path, signature_path, out, &err) == 0) {
		AUTO(rpm_clear) struct rpm before = RPM_INIT, after = RPM_INIT;

		if (rpm_open(package_path, NULL, &before, &err) < 0 ||
		    rpm_open(out_path, NULL, &after, &err) < 0 ||
		    !digest_equal(&before.header_sha256, &after.header_sha256))
			abort();
	}
	return 0;
}
