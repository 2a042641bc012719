/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/file.h"
#include "sources/debian/deb.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
read_files(const char *path)
{
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	struct error err = ERROR_INIT;
	struct member_info info;
	char buffer[4096];

	if (deb_reader_open(path, NULL, &reader, &err) < 0)
		return;
	while (package_reader_next(reader, &info, &err) > 0)
		(void)!package_reader_read(reader, buffer, sizeof(buffer), &err);
}

/* The whole package, through a file in memory. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("input", MFD_CLOEXEC);
	AUTO(deb822_clear) struct deb822 control = DEB822_INIT;
	struct error err = ERROR_INIT;
	char path[40];

	if (fd < 0 || write_all(fd, bytes, size, "input", &err) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)!deb_read_control(path, NULL, &control, &err);
	read_files(path);
	return 0;
}
