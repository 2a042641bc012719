#include "sources/emulators.h"

#include "base/alloc.h"
#include "base/elf.h"
#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

#define MAX_EMULATOR (256U << 20)
#define MAX_VERSION  32U

/*
 * The version that a binary prints for --version: its text is "qemu-TARGET version 10.2.2 (...".
 * To be freed by the caller, or NULL.
 */
static char *
embedded_version(const char *bytes, size_t size, const char *target)
{
	auto_free char *before = xasprintf("qemu-%s version ", target);
	const char *at = memmem(bytes, size, before, strlen(before));
	const char *end = bytes + size;
	size_t length = 0;

	if (at == NULL)
		return NULL;
	at += strlen(before);
	while (at + length < end && length < MAX_VERSION &&
	       ((at[length] >= '0' && at[length] <= '9') || at[length] == '.'))
		length++;
	return length == 0 ? NULL : xstrndup(at, length);
}

/*
 * Whether the version in a package's own version ("2:10.2.2-1.fc44", "1:10.0.13+ds-0+deb13u1") is
 * that of the binary. Debian's 7.2 has binaries that say 7.2.22: a shorter one stands for the
 * whole series.
 */
static bool
version_fits(const char *package_version, const char *version)
{
	const char *colon = strchr(package_version, ':');
	const char *start = colon != NULL ? colon + 1 : package_version;
	size_t length = strspn(start, "0123456789.");

	return length > 0 && strncmp(start, version, length) == 0 &&
	       (version[length] == '\0' || version[length] == '.');
}

static int
check_version(const struct emulator *emulator, const char *label, const char *version,
	      struct package *package, struct error *err)
{
	if (version == NULL)
		return error_set(err, ERR_VERIFY, "'%s' in '%s' does not say which version it is",
				 emulator->path, label);
	if (package->qemu_version == NULL) {
		if (package->version != NULL && !version_fits(package->version, version))
			return error_set(err, ERR_VERIFY,
					 "'%s' in '%s' is version %s, and the package is %s",
					 emulator->path, label, version, package->version);
		package->qemu_version = xstrdup(version);
		return 0;
	}
	if (strcmp(package->qemu_version, version) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' in '%s' is version %s, but others in it are %s",
				 emulator->path, label, version, package->qemu_version);
	return 0;
}

static int
read_whole(struct emulator_reader *reader, const struct emulator *emulator, const char *label,
	   char **ret_bytes, struct error *err)
{
	auto_free char *bytes = NULL;
	ssize_t n;

	if (emulator->size > MAX_EMULATOR)
		return error_set(err, ERR_INPUT, "'%s' in '%s' has %llu bytes", emulator->path,
				 label, (unsigned long long)emulator->size);
	bytes = malloc((size_t)emulator->size + 1);
	if (bytes == NULL)
		return error_set(err, ERR_IO, "no memory to read '%s' in '%s'", emulator->path,
				 label);
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
	auto_free char *version = NULL;
	struct member *member;
	size_t size = (size_t)emulator->size;

	if (read_whole(reader, emulator, label, &bytes, err) < 0 ||
	    elf_check_static((const uint8_t *)bytes, size, host, name, err) < 0)
		return -1;
	version = embedded_version(bytes, size, emulator->target);
	if (check_version(emulator, label, version, package, err) < 0)
		return -1;
	member = package_add_member(package, emulator->target, emulator->path);
	member->size = emulator->size;
	digest_of(bytes, size, &member->sha256);
	return 0;
}

int
emulators_inspect(const char *path, const struct arch *host, struct package *package,
		  struct error *err)
{
	AUTO(emulator_reader_freep) struct emulator_reader *reader = NULL;
	const char *label = path_base(path);
	struct emulator emulator;
	int n;

	if (emulator_reader_open(path, &reader, err) < 0)
		return -1;
	while ((n = emulator_reader_next(reader, &emulator, err)) > 0) {
		if (inspect_one(reader, &emulator, label, host, package, err) < 0)
			return -1;
	}
	if (n == 0)
		package_sort_members(package);
	return n;
}
