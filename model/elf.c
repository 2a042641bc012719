/* SPDX-License-Identifier: MIT */
#include "model/elf.h"

#include <string.h>

/*
 * Layout (all offsets in bytes; 32-bit and 64-bit files):
 *
 *   ELF header:      0 magic, 4 class, 5 data, 6 version, 16 e_type, 18 e_machine,
 *                    e_phoff 28/32, e_flags 36/48, e_phentsize 42/54, e_phnum 44/56
 *   program header:  p_type 0/0, p_offset 4/8, p_filesz 16/32
 *   dynamic entry:   d_tag, d_val: 4 or 8 bytes each
 */
enum { ET_EXEC = 2, ET_DYN = 3, PT_DYNAMIC = 2, PT_INTERP = 3, DT_NULL = 0, DT_NEEDED = 1 };

struct image {
	const uint8_t *bytes;
	uint64_t size;
	bool wide; /* 64 bits */
	bool big;  /* big endian */
};

static uint64_t
get(const struct image *image, uint64_t offset, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++) {
		unsigned int at = image->big ? i : width - 1 - i;

		value = value << 8 | image->bytes[offset + at];
	}
	return value;
}

static bool
inside(const struct image *image, uint64_t offset, uint64_t length)
{
	return offset <= image->size && length <= image->size - offset;
}

static int
check_identity(const struct image *image, const struct arch *host, const char *name,
	       struct error *err)
{
	uint64_t machine = get(image, 18, 2), type = get(image, 16, 2);
	uint32_t flags = (uint32_t)get(image, image->wide ? 48 : 36, 4);

	if (machine != host->elf_machine)
		return error_set(err, ERR_VERIFY,
				 "'%s' is a program for ELF machine %u, expected %s (machine %u)",
				 name, (unsigned int)machine, host->name, host->elf_machine);
	if ((flags & host->elf_flags_mask) != host->elf_flags)
		return error_set(err, ERR_VERIFY,
				 "'%s' has ELF flags 0x%08x, which is not the ABI of %s", name,
				 flags, host->name);
	if (type != ET_EXEC && type != ET_DYN)
		return error_set(err, ERR_VERIFY, "'%s' is an ELF file of type %u, not a program",
				 name, (unsigned int)type);
	return 0;
}

/* The table is inside the file, as inside() has found. */
static int
check_dynamic(const struct image *image, uint64_t offset, uint64_t length, const char *name,
	      struct error *err)
{
	unsigned int word = image->wide ? 8 : 4;

	for (uint64_t left = length; left >= 2 * word; left -= 2 * word) {
		uint64_t tag = get(image, offset + (length - left), word);

		if (tag == DT_NULL)
			break;
		if (tag == DT_NEEDED)
			return error_set(err, ERR_VERIFY,
					 "'%s' is not static: it needs a shared library", name);
	}
	return 0;
}

static int
check_segments(const struct image *image, const char *name, struct error *err)
{
	uint64_t table = get(image, image->wide ? 32 : 28, image->wide ? 8 : 4);
	uint64_t entry_size = get(image, image->wide ? 54 : 42, 2);
	uint64_t count = get(image, image->wide ? 56 : 44, 2);
	unsigned int word = image->wide ? 8 : 4;

	if (entry_size != (image->wide ? 56 : 32) || count == 0 ||
	    !inside(image, table, count * entry_size))
		return error_set(err, ERR_VERIFY, "'%s' has an invalid ELF program header table",
				 name);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = table + i * entry_size;
		uint64_t type = get(image, at, 4);
		uint64_t offset = get(image, at + (image->wide ? 8 : 4), word);
		uint64_t length = get(image, at + (image->wide ? 32 : 16), word);

		/*
		 * A segment of zeros alone takes nothing from the file, wherever it is said to be;
		 * but a table that is read here has a place in it.
		 */
		if ((length != 0 || type == PT_DYNAMIC) && !inside(image, offset, length))
			return error_set(err, ERR_VERIFY,
					 "'%s' has an ELF segment beyond the end of the file",
					 name);
		if (type == PT_INTERP)
			return error_set(err, ERR_VERIFY,
					 "'%s' is not static: it needs a program interpreter",
					 name);
		if (type == PT_DYNAMIC && check_dynamic(image, offset, length, name, err) < 0)
			return -1;
	}
	return 0;
}

int
elf_check_static(const uint8_t *bytes, size_t size, const struct arch *host, const char *name,
		 struct error *err)
{
	struct image image = {bytes, size, false, false};

	if (size < 52 || memcmp(bytes, "\177ELF", 4) != 0)
		return error_set(err, ERR_VERIFY, "'%s' is not an ELF file", name);
	if (bytes[4] != host->elf_class || bytes[5] != host->elf_data)
		return error_set(
			err, ERR_VERIFY,
			"'%s' has ELF class %u and byte order %u, expected %s with %u and %u", name,
			bytes[4], bytes[5], host->name, host->elf_class, host->elf_data);
	image.wide = bytes[4] == 2;
	image.big = bytes[5] == 2;
	if (image.wide && size < 64)
		return error_set(err, ERR_VERIFY, "'%s' ends within its ELF header", name);
	if (check_identity(&image, host, name, err) < 0)
		return -1;
	return check_segments(&image, name, err);
}
