/* SPDX-License-Identifier: MIT */
#include "register/emulator.h"

#include <linux/elf.h>
#include <linux/errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/binfmt_table.h"
#include "register/host.h"
#include "register/sys.h"

/* Of both classes: e_ident, then type, machine and version. */
#define CLASS_AT   4
#define ORDER_AT   5
#define TYPE_AT    16
#define MACHINE_AT 18

#define PROGRAM_HEADERS_MAX 64

/* One open file, and its first bytes. */
struct file {
	int fd;
	size_t length;
	unsigned char head[64];
};

/* Where the two classes have what is looked at. */
struct layout {
	size_t header_size, table_at, word_size, entry_size_at, count_at, entry_size, offset_at;
};

static const struct layout layouts[] = {
	[ELFCLASS32] = {52, 28, 4, 42, 44, 32, 4},
	[ELFCLASS64] = {64, 32, 8, 54, 56, 56, 8},
};

static bool
open_file(const char *path, struct file *file)
{
	long n;

	file->length = 0;
	file->fd = sys_open_read(path);
	if (file->fd < 0)
		return false;
	n = sys_read(file->fd, file->head, sizeof(file->head));
	if (n < 0)
		sys_close(file->fd);
	else
		file->length = (size_t)n;
	return n >= 0;
}

static uint64_t
number(const unsigned char *at, size_t size, unsigned char order)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[order == ELFDATA2LSB ? size - 1 - i : i];
	return value;
}

static bool
begins(const struct file *file, const char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++)
		if (i >= file->length || file->head[i] != (unsigned char)text[i])
			return false;
	return true;
}

static const struct layout *
layout_of(const struct file *file)
{
	unsigned char class = file->head[CLASS_AT], order = file->head[ORDER_AT];
	const struct layout *layout = &layouts[class == ELFCLASS64 ? ELFCLASS64 : ELFCLASS32];
	uint64_t type = number(file->head + TYPE_AT, 2, order);

	if (!begins(file, "\177ELF") || file->length < layout->header_size ||
	    (class != ELFCLASS32 && class != ELFCLASS64) ||
	    (order != ELFDATA2LSB && order != ELFDATA2MSB) || (type != ET_EXEC && type != ET_DYN))
		return NULL;
	return layout;
}

static const struct binfmt_target *
target_of(const struct file *file)
{
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (binfmt_target_matches(&binfmt_targets[i], file->head, file->length))
			return &binfmt_targets[i];
	return NULL;
}

static bool
is_kin(const struct binfmt_target *a, const struct binfmt_target *b)
{
	return a != NULL && b != NULL && bare_equal(a->family, b->family);
}

/*
 * Compared with the registrar's own file: what runs that runs this, and the family's others. Where
 * the registrar itself is emulated, the kernel's own machine is another one.
 */
static bool
runs_here(const struct file *file, const char **ret_machine)
{
	const struct binfmt_target *target = target_of(file);
	struct file own;

	*ret_machine = target != NULL ? target->name : NULL;
	if (!open_file("/proc/self/exe", &own))
		return true;
	sys_close(own.fd);
	if (is_kin(target, target_of(&own)) || is_kin(target, host_kernel_target()))
		return true;
	return own.head[CLASS_AT] == file->head[CLASS_AT] &&
	       own.head[ORDER_AT] == file->head[ORDER_AT] &&
	       own.head[MACHINE_AT] == file->head[MACHINE_AT] &&
	       own.head[MACHINE_AT + 1] == file->head[MACHINE_AT + 1];
}

static bool
read_at(const struct file *file, uint64_t offset, void *buf, size_t size)
{
	return offset < INT32_MAX && sys_seek(file->fd, (long)offset) == (long)offset &&
	       sys_read(file->fd, buf, size) == (long)size;
}

/* Whether a program header names an interpreter, whose path goes into `ret_needs`. */
static bool
needs_linker(const struct file *file, const struct layout *layout, char *ret_needs, size_t size)
{
	static unsigned char table[PROGRAM_HEADERS_MAX * 56];
	unsigned char order = file->head[ORDER_AT];
	size_t count = (size_t)number(file->head + layout->count_at, 2, order);
	uint64_t offset;

	if (count == 0 || count > PROGRAM_HEADERS_MAX ||
	    number(file->head + layout->entry_size_at, 2, order) != layout->entry_size ||
	    !read_at(file, number(file->head + layout->table_at, layout->word_size, order), table,
		     count * layout->entry_size))
		return false;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *entry = table + i * layout->entry_size;

		if (number(entry, 4, order) != PT_INTERP)
			continue;
		offset = number(entry + layout->offset_at, layout->word_size, order);
		if (!read_at(file, offset, ret_needs, size - 1))
			ret_needs[0] = '\0';
		ret_needs[size - 1] = '\0';
		return true;
	}
	return false;
}

static enum emulator_fault
find_fault(const struct file *file, struct emulator *emulator)
{
	const struct layout *layout = layout_of(file);

	if (begins(file, "#!"))
		return EMULATOR_SCRIPT;
	if (begins(file, "version https://git-lfs"))
		return EMULATOR_LFS_POINTER;
	if (layout == NULL)
		return EMULATOR_NO_PROGRAM;
	if (!runs_here(file, &emulator->machine))
		return EMULATOR_FOREIGN;
	return needs_linker(file, layout, emulator->needs, sizeof(emulator->needs))
		       ? EMULATOR_DYNAMIC
		       : EMULATOR_GOOD;
}

void
emulator_look(const char *path, struct emulator *ret_emulator)
{
	struct file file;

	*ret_emulator = (struct emulator){.fault = EMULATOR_GOOD};
	if (!open_file(path, &file)) {
		if (file.fd == -ENOENT)
			ret_emulator->fault = EMULATOR_ABSENT;
		return;
	}
	ret_emulator->fault = find_fault(&file, ret_emulator);
	sys_close(file.fd);
}

void
emulator_describe(const char *path, const struct emulator *emulator, struct out *out)
{
	switch (emulator->fault) {
	case EMULATOR_NO_PROGRAM:
		out_printf(out, "'%s' is not a program", path);
		break;
	case EMULATOR_LFS_POINTER:
		out_printf(out,
			   "'%s' is a Git LFS pointer instead of the program; run: git lfs pull",
			   path);
		break;
	case EMULATOR_SCRIPT:
		out_printf(out, "'%s' is a script, whose interpreter is missing in containers",
			   path);
		break;
	case EMULATOR_FOREIGN:
		out_printf(out, "'%s' is a program for %s, which this machine cannot run", path,
			   emulator->machine != NULL ? emulator->machine : "another machine");
		break;
	case EMULATOR_DYNAMIC:
		out_printf(out,
			   "'%s' is dynamically linked: it needs '%s' and libraries in every "
			   "container",
			   path, emulator->needs);
		break;
	case EMULATOR_GOOD:
	case EMULATOR_ABSENT:
		break;
	}
}
