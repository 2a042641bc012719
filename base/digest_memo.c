/* SPDX-License-Identifier: MIT */
#include "base/digest_memo.h"

#include "base/alloc.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum { MAX_ENTRIES = 65536, YOUNG_SEC = 2 };

struct entry {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	struct digest digest;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;
static size_t entry_count;

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Call with the lock held. A release has a few hundred files, so a list will do. */
static const struct entry *
find(const struct stat *st)
{
	for (size_t i = entry_count; i-- > 0;) {
		const struct entry *e = &entries[i];

		if (e->inode == st->st_ino && e->device == st->st_dev && e->size == st->st_size &&
		    same_time(&e->modified, &st->st_mtim) && same_time(&e->changed, &st->st_ctim))
			return e;
	}
	return NULL;
}

bool
digest_memo_find(const struct stat *st, struct digest *ret_digest)
{
	const struct entry *e;

	(void)pthread_mutex_lock(&lock);
	e = find(st);
	if (e != NULL)
		*ret_digest = e->digest;
	(void)pthread_mutex_unlock(&lock);
	return e != NULL;
}

void
digest_memo_store(const struct stat *st, const struct digest *digest)
{
	time_t now = time(NULL);

	if (st->st_ctim.tv_sec + YOUNG_SEC > now)
		return;
	(void)pthread_mutex_lock(&lock);
	if (find(st) == NULL && entry_count < MAX_ENTRIES) {
		entries = xgrow(entries, entry_count, sizeof(*entries));
		entries[entry_count++] = (struct entry){st->st_dev,  st->st_ino,  st->st_size,
							st->st_mtim, st->st_ctim, *digest};
	}
	(void)pthread_mutex_unlock(&lock);
}
