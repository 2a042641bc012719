/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The tests of `distributor test`, host by host, and their results.
 *
 * A case is one test that passed, failed or was skipped. Cases of one kind form a column of the
 * result.
 */

#include "distributor/workspace/workspace.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "pack/packlist.h"

#include <pthread.h>

struct layout;
struct sandbox;

enum acceptance_kind {
	ACCEPTANCE_VERSION,  /* a binary says the version of its package */
	ACCEPTANCE_PROGRAM,  /* it runs a tiny program of its target */
	ACCEPTANCE_IMAGE,    /* an image has the lock's programs and this build's registrar */
	ACCEPTANCE_FILES,    /* the image's registrar writes the right files */
	ACCEPTANCE_REGISTER, /* it registers in the kernel */
	ACCEPTANCE_ITSELF,   /* then the tiny program runs by itself */
	ACCEPTANCE_KINDS,
};

enum acceptance_outcome { ACCEPTANCE_OK, ACCEPTANCE_FAILED, ACCEPTANCE_SKIPPED };

struct acceptance_case {
	enum acceptance_kind kind;
	enum acceptance_outcome outcome;
	char *target; /* or NULL */
	char *reason; /* NULL for ACCEPTANCE_OK */
};

/* One binary. */
struct acceptance_pair {
	const struct package *package; /* both borrowed from the lock */
	const struct member *member;
	char *binary; /* where it was unpacked, or NULL */
};

struct acceptance_host {
	const struct arch *arch;
	char *emulator; /* the program that runs its binaries here; NULL: they run as they are */
	int emulator_major; /* its QEMU's version, 0 if it does not say */
	struct acceptance_pair *pairs;
	size_t pair_count;
	bool present; /* OUT/assets has tarballs of it */
	bool runs;    /* there is something here that runs its binaries */
	struct acceptance_case *cases;
	size_t case_count;
};

struct acceptance {
	struct workspace *work; /* borrowed, as are the next three */
	const struct matrix *matrix;
	const struct lock *lock;
	const struct sandbox *sandbox;   /* what the programs run in */
	const struct text_list *targets; /* borrowed: those that were asked for; empty: all */
	const char *emulators;           /* directory of emulators for this machine, or NULL */
	const char *registrars;          /* directory of registrars, or NULL for this build's */
	unsigned int timeout_ms;         /* of each program */
	char *scratch;                   /* a directory for this run */
	char *assets;
	char *images;
	char *images_command;       /* what makes them, for advice */
	const struct arch *machine; /* what this machine is, NULL if the table does not have it */
	struct acceptance_host *hosts;
	size_t host_count;
	pthread_mutex_t lock_cases;
};

/*
 * Collects the hosts and pairs that `work` and `targets` ask for, and makes the scratch directory. The
 * borrowed fields but `sandbox`, the two directories and `timeout_ms` are set by the caller.
 * ERR_IO; ERR_INPUT if nothing is to be tested.
 */
int acceptance_begin(struct acceptance *trial, struct error *err) CHECKED;

/* Whether this target was asked for. */
bool acceptance_wants(const struct acceptance *trial, const char *target);

/* Removes the scratch directory, and frees. */
void acceptance_end(struct acceptance *trial);

/* Adds a case; from several threads. `target` is copied, `reason` too and NULL for ACCEPTANCE_OK. */
void
acceptance_add(struct acceptance *trial, struct acceptance_host *host, enum acceptance_kind kind,
	       const char *target, enum acceptance_outcome outcome, const char *reason);

size_t acceptance_count(const struct acceptance_host *host, enum acceptance_kind kind,
			enum acceptance_outcome outcome);

/* The path "WORK/NAME", to be freed by the caller. */
char *acceptance_path(const struct acceptance *trial, const char *name) CHECKED;

/*
 * Runs a program with an end to its time, and puts into `ret_said` what it wrote on standard
 * output, to be freed by the caller. ERR_VERIFY, with what it wrote on standard error, if it ends
 * in another way than with `status`; ERR_IO.
 */
int acceptance_run(const struct acceptance *trial, const char *const *argv, int status,
		   char **ret_said, struct error *err) CHECKED;

/* Runs the tiny program of a target by `argv` and compares what it says. */
int acceptance_run_guest(const struct acceptance *trial, const char *const *argv,
			 const char *target, struct error *err) CHECKED;

/*
 * Writes the tiny programs of all targets into "DIRECTORY/programs". That has to be done before
 * anything is run: a file that a child still has open for writing cannot be executed.
 */
int acceptance_write_programs(const char *directory, struct error *err) CHECKED;

/* The path of one of them, to be freed by the caller, or NULL if there is none for this target. */
char *acceptance_program(const char *directory, const char *target) CHECKED;

/*
 * Adds the case of a tiny program that ran, or did not with `err`. Where an emulator emulates an
 * emulator and one of them is older than QEMU 10, a failure says little about the binary and is a
 * case that could not be tried: of the 33 targets, 7.2 runs 10 in that way, and 10.0 all.
 *
 * Returns -1 if `err` says that this cannot go on.
 */
int acceptance_add_guest(struct acceptance *trial, struct acceptance_host *host,
			 enum acceptance_kind kind, const char *target, int result,
			 struct error *err) CHECKED;

/*
 * Unpacks each binary of a host out of its tarball, compares it with the lock, runs it, and with it
 * the tiny program of its target. Failures are cases; -1 only if this cannot go on.
 */
int acceptance_binaries(struct acceptance *trial, struct acceptance_host *host,
			struct error *err) CHECKED;

/*
 * Unpacks the host's images, compares what is in them, and tries their registrar: the files that it
 * writes, and in the private binfmt_misc what it registers; then the tiny programs run by
 * themselves. What fails or cannot be tried are cases; -1 only if this cannot go on. After
 * acceptance_binaries() of the same host.
 */
int acceptance_images(struct acceptance *trial, struct acceptance_host *host,
		      struct error *err) CHECKED;

/*
 * Whether the host has an image of all emulators: one without the image of any pair has none.
 */
bool
acceptance_wants_all_in_one(const struct acceptance *trial, const struct acceptance_host *host);

/*
 * Compares the image of each pair of the host with the lock: it has the pair's program and nothing
 * else, and is there only if the matrix has the pair. What fails are cases; -1 only if this cannot
 * go on.
 */
int acceptance_contents_of_pairs(struct acceptance *trial, struct acceptance_host *host,
				 const struct layout *layout, struct error *err) CHECKED;

/* The image `latest` of a host that should have none: if it is there, that is a failed case. */
int acceptance_contents_without_all(struct acceptance *trial, struct acceptance_host *host,
				    const struct layout *layout, struct error *err) CHECKED;

/*
 * Compares the image `tag` of the host, which is unpacked in `root`: it has the lock's programs if
 * it is `latest` and none if it is `register`, the registrar of this build, and nothing else.
 */
int acceptance_contents_of_root(struct acceptance *trial, struct acceptance_host *host,
				const char *tag, const char *root, struct error *err) CHECKED;
