/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes the release assets of all hosts under OUT/assets, and the packlist OUT/packed.json.
 *
 *     $from_qemu-$to-static.tar.gz    one for each pair
 *     qemu-$to-static.tar.gz          of the host with the legacy names: the same file again
 *     qemu-$to-static                 of that host: the program itself
 *
 * Existing files with the right digest are kept. Every file appears complete under its name or not
 * at all, so that a run may be killed at any moment and started again.
 */

#include "base/error.h"
#include "model/arch.h"
#include "model/asset.h"
#include "model/package.h"
#include "pack/packlist.h"
#include "pack/pipeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_task;
struct seen_files;

#define ASSETS_DIRECTORY "assets"

/* One pair to make; everything is borrowed. */
struct assets_member {
	const struct package *package;
	const struct member *member; /* of the package */
	bool image;                  /* part of the host's all-in-one image */
};

struct assets_host {
	const struct arch *arch;
	bool legacy_names;
	struct assets_member *members; /* sorted by target */
	size_t count;
};

struct assets_sink;

struct assets_request {
	const char *out;
	const struct assets_host *hosts;
	size_t host_count;
	bool partial; /* not all hosts: keep the files of others */
	int64_t source_date_epoch;
	unsigned int jobs;
	struct seen_files *seen; /* files that this run has read; NULL: read every file */

	/*
	 * Streams the emulators of one host: assets_reserve(), fill in pieces with assets_grow()
	 * before each, assets_submit(). Called in a thread of its own, for hosts that miss
	 * something.
	 */
	int (*produce)(struct assets_sink *sink, const struct assets_host *host, void *context,
		       struct error *err);

	/*
	 * Called before and after a host is made; may return NULL. `seconds` is how long it took.
	 */
	struct progress_task *(*begin)(const struct assets_host *host, uint64_t bytes,
				       void *context);
	void (*end)(const struct assets_host *host, struct progress_task *task, bool complete,
		    double seconds, void *context);

	/* Whether a file in OUT/assets belongs to another step: signatures and so on. */
	bool (*keeps)(const char *name);

	void *context;
};

/* The result for one host. */
struct assets_host_report {
	size_t made, unchanged; /* pairs */
	uint64_t bytes_in;      /* of all programs */
	uint64_t bytes_out;     /* of all tarballs */
	double seconds;         /* 0 if nothing was made */
};

struct assets_report {
	struct asset_list assets; /* all that exist now, without name and version of the release */
	struct packlist packlist; /* of the same, as in OUT/packed.json */
	struct assets_host_report *hosts; /* as many as the plan has, in its order */
	char **removed;                   /* files of earlier runs that do not belong to this one */
	size_t removed_count;
	char **strays; /* files that this program did not make */
	size_t stray_count;
};

#define ASSETS_REPORT_INIT {.hosts = NULL}

void assets_report_clear(struct assets_report *report);

/*
 * Makes what is missing. The caller holds the lock of OUT. On failure the first error is returned;
 * complete files stay and are not made again by the next run. ERR_VERIFY if a program does not
 * match the lock or is not a static one for its host, ERR_INPUT if a package lacks one.
 */
int assets_make(const struct assets_request *plan, struct assets_report *ret_report,
		struct error *err) CHECKED;

/*
 * Whether everything is complete, so that assets_make() would have nothing to do. Writes nothing.
 * ERR_IO, ERR_INTERRUPTED.
 */
int assets_look(const struct assets_request *plan, bool *ret_complete, struct error *err) CHECKED;

/*
 * Reads every byte of one host's tarballs in `directory`, without trusting anything recorded about
 * them. `ret_manifest` has that host alone, as assets_make() records it, and no compressor.
 * ERR_VERIFY names a tarball that has another format, date or program than the lock, or a legacy
 * file that differs. ERR_NOT_FOUND, ERR_IO.
 */
int assets_read_host(const char *directory, const struct assets_host *host, int64_t mtime_sec,
		     struct packlist *ret_manifest, struct error *err) CHECKED;

/* Whether the program for this target is still missing. */
bool assets_wants(struct assets_sink *sink, const char *target);

/*
 * Waits for a buffer for the program that emulates `target`, of `size` bytes. Returns 1, or 0 if it
 * is not needed. ERR_VERIFY if the size does not match the lock, ERR_INPUT if it is a duplicate.
 */
int assets_reserve(struct assets_sink *sink, const char *target, uint64_t size,
		   struct pipeline_item **ret_item, struct error *err) CHECKED;

/* Waits until the first `length` bytes of the buffer may be filled; see pipeline_grow(). */
int assets_grow(struct assets_sink *sink, struct pipeline_item *item, size_t length,
		struct error *err) CHECKED;

/* Hands the filled buffer over. */
void assets_submit(struct assets_sink *sink, struct pipeline_item *item);

/* Returns a buffer after a failure to fill it. */
void assets_return(struct assets_sink *sink, struct pipeline_item *item);
