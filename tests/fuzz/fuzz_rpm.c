/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a whole package: opened, its payload read through the decompressors and the cpio
 * walker of both forms.
 */

#include "sources/package_open.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
read_all(const char *path)
{
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	struct error err = ERROR_INIT;
	struct member_info info;
	char buffer[4096];

	if (package_reader_open(path, NULL, &reader, &err) < 0)
		return;
	for (int members = 0; members < 100 && package_reader_next(reader, &info, &err) > 0;
	     members++) {
		for (int reads = 0; reads < 50; reads++) {
			if (package_reader_read(reader, buffer, sizeof(buffer), &err) <= 0)
				break;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("package", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_all(path);
	return 0;
}
