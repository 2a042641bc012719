/* SPDX-License-Identifier: MIT */
/* Any bytes as each of the three documents of a repository. */

#include "sources/fedora/repodata.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int
found(void *context, const struct repo_package *package, struct error *err)
{
	(void)context;
	(void)err;
	return strlen(package->name) + strlen(package->evr) + strlen(package->arch) == 0 ||
			       !location_is_safe(package->location)
		       ? -1
		       : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("primary", MFD_CLOEXEC);
	struct metalink metalink;
	struct repomd repomd;
	struct error err = ERROR_INIT;
	const char *text = (const char *)bytes;

	if (metalink_parse("input", text, size, &metalink, &err) == 0)
		metalink_clear(&metalink);
	if (repomd_parse("input", text, size, &repomd, &err) == 0)
		repomd_clear(&repomd);
	if (fd >= 0 && write(fd, bytes, size) == (ssize_t)size)
		(void)!primary_scan(fd, COMPRESSION_NONE, "input", "qemu", found, NULL, &err);
	return 0;
}
