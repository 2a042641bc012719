/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of pack/assets.h share; private to pack/. */

#include "pack/assets.h"
#include "pack/deflate.h"
#include "pack/layer.h"
#include "pack/packlist.h"

#include <pthread.h>

struct host_state;

/* One pair on its way. */
struct pair {
	const struct assets_member *wanted;
	struct host_state *host;
	struct packed_member packed;
	struct written_file tarball;
	struct digest diff_id;
	bool complete;  /* packed, tarball and diff_id are known and the files are there */
	bool made;      /* by this run */
	bool submitted; /* its buffer is with the workers, or was */
	bool in_turn;   /* takes part in the all-in-one digest, as number `turn` */
	size_t turn;
};

struct host_state {
	const struct assets_host *plan;
	struct build *build;
	struct pair *pairs;
	bool produced; /* no more will be submitted */
	bool ended;
	size_t pending; /* submitted and not done */
	double started_sec, seconds;
	struct progress_task *task;

	/* The all-in-one digest takes the programs one after the other, in order. */
	struct diff_id *running;
	size_t turns_given, turn; /* submitted for it, and whose turn it is */
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
	pthread_mutex_t lock;   /* of everything that more than one thread changes */
	pthread_cond_t turning; /* of host_state.turn */
};

/* Looks for a pair among those of the old packlist, and at its files; writes nothing. */
void pair_check(const struct build *build, struct pair *pair);

/* Makes the tarball of a complete pair have its legacy name too. ERR_IO. */
int pair_link_legacy(const struct build *build, const struct pair *pair, struct error *err) CHECKED;

/* Checks, compresses and writes the program in `item`, whose tag is the asset. A consume(). */
int pair_pack(const struct pipeline_item *item, void *scratch, void *context,
	      struct error *err) CHECKED;
void *pack_scratch_new(void);
void pack_scratch_free(void *scratch);

/* Called when the asset is done: saves the packlist with the last one of a host. */
int host_pair_done(struct host_state *host, struct error *err) CHECKED;

/* Finds the all-in-one digest of a host; all of its assets are complete, and the lock is held. */
void host_settle(struct host_state *host);

/* The packlist of what is complete. `all`: also of old hosts that are not in the plan. */
void build_collect(const struct build *build, bool all, struct packlist *ret_manifest);

/* Writes the packlist unless it is so already. `all` as above. */
int build_save(struct build *build, bool all, struct error *err) CHECKED;

/* Removes files of earlier runs that are no part of this one, and lists those of others. */
int build_clean(struct build *build, struct assets_report *report, struct error *err) CHECKED;
