/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The lock: every package of the matrix pinned by version, size, sha256 and signer, and every
 * member by size and sha256 (docs/design.md, "The lock"). Sorted and stable, so that a version
 * bump is a reviewable diff.
 */

#include "matrix/matrix.h"
#include "model/package.h"

#include <stdint.h>

struct lock {
	char *name;                /* of the matrix; owned, like all strings here */
	char *version;             /* of the release, "10.2.2-1" */
	uint64_t serial;           /* grows by one with each change */
	int64_t source_date_epoch; /* seconds; the newest signature of the packages */
	char *downgrade_reason;    /* why this lock went back to an older version, or NULL */
	struct package_list packages;
	struct digest digest; /* of the file as read; zero for a lock that was not read */
};

#define LOCK_INIT {.name = NULL}

/*
 * Reads and checks a lock. ERR_NOT_FOUND, ERR_IO, ERR_INPUT. `command` is the command that creates
 * a missing lock, for the message: "distributor lock".
 */
int
lock_load(const char *path, const char *command, struct lock *ret_lock, struct error *err) CHECKED;

/* Its text alone. The errors of reading. */
int lock_read(const char *path, const char *command, char **ret_text, size_t *ret_length,
	      struct error *err) CHECKED;

/* The same from memory; `name` is the file's name in messages. */
int lock_parse(const char *name, const char *text, size_t length, struct lock *ret_lock,
	       struct error *err) CHECKED;

/* The text of the file, with a final newline; to be freed by the caller. Sorts the packages. */
char *lock_format(struct lock *lock) CHECKED;

void lock_clear(struct lock *lock);

/*
 * Checks that the lock matches the matrix: same name and version, every host of the matrix locked
 * from its source, nothing locked that the matrix lacks, and QEMU versions as stated in the matrix.
 * ERR_INPUT with what to do; `command` is the command that renews the lock.
 */
int lock_check_matrix(const struct lock *lock, const struct matrix *matrix, const char *command,
		      struct error *err) CHECKED;

/*
 * The same for one package that was found but not yet read, as far as its version shows QEMU's:
 * "7.2+dfsg-7" may contain 7.2.22. ERR_INPUT.
 */
int lock_check_upstream(const struct package *package, const struct matrix *matrix,
			const struct matrix_host *host, struct error *err) CHECKED;

/* The package and member of a pair's binary, or NULL; `ret_package` may be NULL. */
const struct member *lock_find_member(const struct lock *lock, const char *host, const char *target,
				      const struct package **ret_package);

/*
 * Compares the newly resolved `fresh` with the lock `old`: true if any package differs in version
 * or digest, or members were added or removed.
 */
bool lock_differs(const struct lock *old, const struct lock *fresh);
