/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "sources/decompress.h"
#include "sources/rpm/cpio.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What stands behind the headers of a package: the first octet says how it is compressed. */
static void
read_payload(int fd, enum compression compression)
{
	AUTO(decompressor_freep) struct decompressor *source = NULL;
	static struct cpio_entry entry;
	struct error err = ERROR_INIT;
	struct cpio cpio;
	char buffer[4096];

	if (decompressor_open(fd, 0, compression, "fuzz", &source, &err) < 0)
		return;
	cpio_init(&cpio, source, "fuzz");
	for (int entries = 0; entries < 200 && cpio_next(&cpio, &entry, &err) > 0; entries++) {
		if (entry.stripped)
			cpio_set_size(&cpio, entry.index % 5000);
		if (entries % 2 == 0 && cpio_read(&cpio, buffer, sizeof(buffer), &err) < 0)
			return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_close int fd = memfd_create("payload", MFD_CLOEXEC);
	struct error err = ERROR_INIT;

	if (size < 1 || fd < 0 || write_all(fd, bytes + 1, size - 1, "fuzz", &err) < 0)
		return 0;
	read_payload(fd, (enum compression)(bytes[0] % (COMPRESSION_ZSTD + 1)));
	return 0;
}
