/* SPDX-License-Identifier: MIT */
#include "sources/emulators.h"

#include "base/alloc.h"
#include "base/file.h"
#include "model/elf.h"
#include "model/qemu_version.h"
#include "sources/emulator_version.h"

#include <string.h>

#define MAX_EMULATOR (256U << 20)

/* The first member's version becomes the package's, and the others have to be the same. */
static int
check_version(const struct emulator *emulator, const char *label, const char *bytes,
	      struct package *package, struct error *err)
{
	struct emulator_version version;
	auto_free char *plain = NULL;

	if (emulator_read_version((const uint8_t *)bytes, (size_t)emulator->size, emulator->target,
				  &version, err) < 0 ||
	    (package->version != NULL &&
	     emulator_check_version(&version, package->version, err) < 0))
		return error_prefix(err, "'%s' in '%s'", emulator->path, label);
	plain = qemu_version_plain(version.number);
	if (package->qemu_version == NULL)
		package->qemu_version = xstrdup(plain);
	if (strcmp(package->qemu_version, plain) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' in '%s' has version %s, but others in it have %s",
				 emulator->path, label, plain, package->qemu_version);
	return 0;
}

static int
read_whole(struct emulator_reader *reader, const struct emulator *emulator, const char *label,
	   char **ret_bytes, struct error *err)
{
	auto_free char *bytes = NULL;
	ssize_t n;

	if (emulator->size > MAX_EMULATOR)
		return error_set(err, ERR_INPUT, "'%s' in '%s' is too large: %llu bytes",
				 emulator->path, label, (unsigned long long)emulator->size);
	bytes = malloc((size_t)emulator->size + 1);
	if (bytes == NULL)
		return error_set(err, ERR_IO, "not enough memory to read '%s' in '%s'",
				 emulator->path, label);
	n = emulator_reader_read(reader, bytes, (size_t)emulator->size, err);
	if (n < 0)
		return -1;
	if ((uint64_t)n != emulator->size)
		return error_set(err, ERR_INPUT, "'%s' in '%s' is cut short", emulator->path,
				 label);
	*ret_bytes = TAKE(bytes);
	return 0;
}

static int
inspect_one(struct emulator_reader *reader, const struct emulator *emulator, const char *label,
	    const struct arch *host, struct package *package, struct error *err)
{
	auto_free char *name = xasprintf("'%s' in '%s'", emulator->path, label);
	auto_free char *bytes = NULL;
	struct member *member;
	size_t size = (size_t)emulator->size;

	if (read_whole(reader, emulator, label, &bytes, err) < 0 ||
	    elf_check_static((const uint8_t *)bytes, size, host, name, err) < 0)
		return -1;
	if (check_version(emulator, label, bytes, package, err) < 0)
		return -1;
	member = package_add_member(package, emulator->target, emulator->path);
	member->size = emulator->size;
	digest_of(bytes, size, &member->sha256);
	return 0;
}

static void
warn_mode(const struct emulator *emulator, const char *label,
	  const struct package_warnings *warnings)
{
	auto_free char *text = xasprintf("'%s' in '%s' has mode %04o; dropping its special bits",
					 emulator->path, label, emulator->mode);

	if (warnings != NULL)
		warnings->warn(warnings->context, text);
}

int
emulators_inspect(const char *path, const char *label, const struct arch *host,
		  struct package *package, const struct package_warnings *warnings,
		  struct error *err)
{
	AUTO(emulator_reader_freep) struct emulator_reader *reader = NULL;
	struct emulator emulator;
	int n;

	if (label == NULL)
		label = path_base(path);
	if (emulator_reader_open(path, label, &reader, err) < 0)
		return -1;
	emulator_reader_set_warnings(reader, warnings);
	while ((n = emulator_reader_next(reader, &emulator, err)) > 0) {
		if ((emulator.mode & 07000) != 0)
			warn_mode(&emulator, label, warnings);
		if (inspect_one(reader, &emulator, label, host, package, err) < 0)
			return -1;
	}
	if (n == 0)
		package_sort_members(package);
	return n;
}
