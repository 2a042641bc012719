/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The emulators inside a package: which of its files they are, and whether they are valid.
 *
 * An emulator is a regular file usr/bin/qemu-TARGET or usr/bin/qemu-TARGET-static. Symbolic links
 * with such a name are aliases and skipped if they point to an emulator of the package.
 */

#include "model/arch.h"
#include "model/package.h"
#include "sources/package_reader.h"

struct emulator {
	const char *target; /* QEMU's spelling, "aarch64"; valid until the next call */
	const char *path;   /* inside the package, "usr/bin/qemu-aarch64-static"; the same */
	uint64_t size;      /* in bytes */
	uint32_t mode;      /* permission bits as packaged, including setuid */
};

/* Receives a warning for people, which does not stop anything. */
struct package_warnings {
	void (*warn)(void *context, const char *text);
	void *context;
};

struct emulator_reader;

/* Opens a package of any format. `label` and errors as of package_reader_open(). */
int emulator_reader_open(const char *path, const char *label, struct emulator_reader **ret_reader,
			 struct error *err) CHECKED;

/* The same over an open package, which the result then owns. `label` names it in messages. */
struct emulator_reader *
emulator_reader_new(struct package_reader *package, const char *label) CHECKED;

/* Receives warnings; borrowed. NULL, as at the start: none. */
void emulator_reader_set_warnings(struct emulator_reader *reader,
				  const struct package_warnings *warnings);

/*
 * Moves to the next emulator, in the package's order. Returns 1, 0 after the last, or -1. A program
 * for an unknown target is skipped with a warning.
 *
 * ERR_INPUT for an invalid package, with the member and the reason: a duplicate target, a hard link
 * or a special file with such a name, an emulator outside usr/bin, a name with ".." in it, or
 * (after the last) a link whose file is missing from the package. Also the errors of
 * package_reader_next().
 */
int emulator_reader_next(struct emulator_reader *reader, struct emulator *ret_emulator,
			 struct error *err) CHECKED;

/* package_reader_read() for the current emulator. */
ssize_t emulator_reader_read(struct emulator_reader *reader, void *buffer, size_t length,
			     struct error *err) CHECKED;

void emulator_reader_free(struct emulator_reader *reader);
void emulator_reader_freep(struct emulator_reader **reader); /* for AUTO() */

/*
 * Reads every emulator of the package file at `path` and adds it to `package->members` with target,
 * path, size and sha256; sets `package->qemu_version`, which must be NULL, from the binaries' own
 * version. A package without emulators, such as the nearly empty metapackage, gets no member and no
 * version.
 *
 * ERR_VERIFY, naming package and member: not a static ELF program for `host`, without a version, or
 * with another one than `package->version` (emulator_version.h) or the members before it. ERR_INPUT
 * for a member of more than 256 MiB, and the errors above. A setuid bit is a warning: nothing made
 * from members keeps it. `warnings` may be NULL.
 */
int emulators_inspect(const char *path, const char *label, const struct arch *host,
		      struct package *package, const struct package_warnings *warnings,
		      struct error *err) CHECKED;
