/* SPDX-License-Identifier: MIT */
#include "tests/support/package_builder.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512 };

static void
pad(struct strbuf *buf, size_t size, size_t to)
{
	static const char zeros[BLOCK];

	if (size % to != 0)
		strbuf_add(buf, zeros, to - size % to);
}

static void
set_octal(char *field, size_t size, size_t value)
{
	(void)snprintf(field, size, "%0*zo", (int)size - 1, value);
}

static void
set_text(char *field, size_t size, const char *text)
{
	size_t length = strlen(text);

	memcpy(field, text, length < size ? length : size);
}

static void
add_entry(struct strbuf *tar, const struct tar_entry *entry)
{
	char header[BLOCK] = "";
	size_t size = entry->type == '0' ? entry->size : 0;
	unsigned int sum = 0;

	set_text(header, 100, entry->name);
	set_octal(header + 100, 8, entry->mode != 0 ? entry->mode : 0755);
	set_octal(header + 108, 8, 0);
	set_octal(header + 116, 8, 0);
	set_octal(header + 124, 12, size);
	set_octal(header + 136, 12, 0);
	header[156] = entry->type;
	set_text(header + 157, 100, entry->link != NULL ? entry->link : "");
	memcpy(header + 257, "ustar\00000", 8);
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	set_octal(header + 148, 7, sum);
	strbuf_add(tar, header, BLOCK);
	strbuf_add(tar, entry->bytes, size);
	pad(tar, size, BLOCK);
}

void
build_tar(struct strbuf *tar, const struct tar_entry *entries, size_t count)
{
	static const char end[2 * BLOCK];

	for (size_t i = 0; i < count; i++)
		add_entry(tar, &entries[i]);
	strbuf_add(tar, end, sizeof(end));
}

void
build_ar_start(struct strbuf *ar)
{
	strbuf_adds(ar, "!<arch>\n");
}

void
build_ar_part(struct strbuf *ar, const char *name, const void *bytes, size_t size)
{
	strbuf_addf(ar, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644", size);
	strbuf_add(ar, bytes, size);
	if (size % 2 != 0)
		strbuf_add(ar, "\n", 1);
}

void
build_deb(struct strbuf *deb, const char *control, const struct tar_entry *entries, size_t count)
{
	struct tar_entry control_entry = {"./control", '0', 0644, control, strlen(control), NULL};
	AUTO(strbuf_clear) struct strbuf tar = STRBUF_INIT;
	AUTO(strbuf_clear) struct strbuf data = STRBUF_INIT;

	build_tar(&tar, &control_entry, 1);
	build_tar(&data, entries, count);
	build_ar_start(deb);
	build_ar_part(deb, "debian-binary", "2.0\n", 4);
	build_ar_part(deb, "control.tar", tar.text, tar.length);
	build_ar_part(deb, "data.tar", data.text, data.length);
}

static void
put(uint8_t *bytes, const struct elf_kind *kind, size_t offset, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width; i++) {
		size_t at = kind->data == 2 ? width - 1 - i : i;

		bytes[offset + at] = (uint8_t)(value >> 8 * i);
	}
}

void
build_elf(uint8_t bytes[BUILT_ELF_SIZE], const struct elf_kind *kind)
{
	bool wide = kind->class == 2;
	size_t word = wide ? 8 : 4, table = wide ? 64 : 52;

	memset(bytes, 0, BUILT_ELF_SIZE);
	memcpy(bytes, "\177ELF", 4);
	bytes[4] = kind->class;
	bytes[5] = kind->data;
	bytes[6] = 1;
	put(bytes, kind, 16, 2, 2); /* ET_EXEC */
	put(bytes, kind, 18, 2, kind->machine);
	put(bytes, kind, wide ? 32 : 28, word, table);
	put(bytes, kind, wide ? 48 : 36, 4, kind->flags);
	put(bytes, kind, wide ? 54 : 42, 2, wide ? 56 : 32);
	put(bytes, kind, wide ? 56 : 44, 2, 1);
	put(bytes, kind, table, 4, kind->dynamic ? 3 : 1); /* PT_INTERP or PT_LOAD */
	put(bytes, kind, table + (wide ? 32 : 16), word, BUILT_ELF_SIZE);
	set_text((char *)bytes + 256, 512, kind->text);
}
