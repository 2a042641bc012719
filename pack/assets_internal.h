/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of pack/assets.h share; private to pack/. */

#include "pack/assets.h"
#include "pack/deflate.h"
#include "pack/layer.h"
#include "pack/packlist.h"

#include <pthread.h>

struct host_state;

/* One pair in progress. */
struct pair {
	const struct assets_member *wanted;
	struct host_state *host;
	struct packed_member packed;
	struct written_file tarball;
	struct digest diff_id;
	bool complete;  /* packed, tarball and diff_id are known and the files are there */
	bool made;      /* by this run */
	bool submitted; /* its buffer was handed to the workers */
	bool in_turn;   /* is number `turn` in the all-in-one digest */
	size_t turn;
};

struct host_state {
	const struct assets_host *plan;
	struct build *build;
	struct pair *pairs;
	bool produced; /* no more will be submitted */
	bool ended;
	size_t pending; /* submitted but not done */
	double started_sec, seconds;
	struct progress_task *task;

	/* The all-in-one digest takes the programs one after the other, in order. */
	struct diff_id *running;
	size_t turns_given, turn; /* submitted for it, and the next one */
	const struct pair *last;  /* submitted for it */
	struct digest all_in_one; /* zero: not known */
};

/* One call of assets_make(). */
struct build {
	const struct assets_request *plan;
	char *directory;     /* OUT/assets */
	char *packlist_path; /* OUT/packed.json */
	char *compressor;
	struct packlist old;
	struct host_state *hosts;
	struct pair *pairs; /* of all hosts */
	size_t pair_count;
	pthread_mutex_t lock;   /* for everything that several threads change */
	pthread_cond_t turning; /* of host_state.turn */
};

/* Looks up a pair in the old packlist and checks its files; writes nothing. */
void pair_check(const struct build *build, struct pair *pair);

/* Makes the legacy name of a complete pair's tarball. ERR_IO. */
int pair_link_legacy(const struct build *build, const struct pair *pair, struct error *err) CHECKED;

/* Checks, compresses and writes the program in `item`, whose tag is the pair. A consume(). */
int pair_pack(const struct pipeline_item *item, void *scratch, void *context,
	      struct error *err) CHECKED;
void *pack_scratch_new(void);
void pack_scratch_free(void *pointer);

/* Called when a pair is done: saves the packlist after the last one of a host. */
int host_pair_done(struct host_state *host, struct error *err) CHECKED;

/*
 * Computes the all-in-one digest of a host whose pairs are all complete; the caller holds the lock.
 */
void host_settle(struct host_state *host);

/* The packlist of what is complete. `all`: also old hosts that are not in the plan. */
void build_collect(const struct build *build, bool all, struct packlist *ret_manifest);

/* Writes the packlist if it has changed. `all` as above. */
int build_save(struct build *build, bool all, struct error *err) CHECKED;

/* Removes files of earlier runs that do not belong to this one, and lists those of others. */
int build_clean(struct build *build, struct assets_report *report, struct error *err) CHECKED;
