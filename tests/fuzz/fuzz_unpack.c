/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/strbuf.h"
#include "images/unpack_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Names that would leave the root, or are of no file. */
static void
check_name(const char *name)
{
	if (name[0] == '/' || name[0] == '\0' || strcmp(name, "..") == 0 ||
	    text_starts_with(name, "../") || strstr(name, "/../") != NULL ||
	    text_ends_with(name, "/..") || strstr(name, "//") != NULL ||
	    text_starts_with(name, ".wh."))
		abort();
}

static int
take_directory(void *context, const char *name, struct error *err)
{
	(void)context;
	(void)err;
	check_name(name);
	return 0;
}

static int
take_file(void *context, const char *name, struct error *err)
{
	bool *is_open = context;

	(void)err;
	check_name(name);
	if (*is_open)
		abort();
	*is_open = true;
	return 0;
}

static int
take_bytes(void *context, const void *bytes, size_t length, struct error *err)
{
	const bool *is_open = context;

	(void)bytes;
	(void)err;
	if (!*is_open || length == 0)
		abort();
	return 0;
}

static int
end_file(void *context, mode_t mode, struct error *err)
{
	bool *is_open = context;

	(void)err;
	if (!*is_open || (mode & ~(mode_t)0755) != 0)
		abort();
	*is_open = false;
	return 0;
}

/* The bytes as a layer: of memory, its files to nowhere. The digest of its tar is right for
 * what is not compressed. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("layer", MFD_CLOEXEC);
	bool is_open = false;
	const struct unpack_sink sink = {take_directory, take_file, take_bytes, end_file, &is_open};
	struct digest digest;
	struct error err = ERROR_INIT;

	if (fd < 0 || write_all(fd, bytes, size, "layer", &err) < 0 || lseek(fd, 0, SEEK_SET) != 0)
		return 0;
	digest_of(bytes, size, &digest);
	(void)!layer_unpack(fd, "layer", &digest, &digest, &sink, &err);
	return 0;
}
