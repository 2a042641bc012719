/* SPDX-License-Identifier: MIT */
#include "base/seen_files.h"

#include "base/alloc.h"
#include "base/file.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * How old a change has to be before the next one is sure to have another time: two ticks of the
 * slowest kernel clock, or two seconds where the file system keeps whole ones.
 */
enum { TICKS_NSEC = 20 * 1000 * 1000, WHOLE_SEC = 2 };

struct seen_file {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	struct digest digest;
	char *text; /* NULL: only the digest is known */
};

struct seen_files {
	pthread_mutex_t mutex; /* of the list */
	struct seen_file *items;
	size_t count;
};

struct seen_files *
seen_files_new(void)
{
	struct seen_files *seen = xcalloc(1, sizeof(*seen));

	(void)pthread_mutex_init(&seen->mutex, NULL);
	return seen;
}

void
seen_files_free(struct seen_files *seen)
{
	if (seen == NULL)
		return;
	for (size_t i = 0; i < seen->count; i++)
		free(seen->items[i].text);
	free(seen->items);
	(void)pthread_mutex_destroy(&seen->mutex);
	free(seen);
}

void
seen_files_freep(struct seen_files **seen)
{
	seen_files_free(*seen);
	*seen = NULL;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
is_of_stat(const struct seen_file *file, const struct stat *st)
{
	return file->inode == st->st_ino && file->device == st->st_dev &&
	       file->size == st->st_size && same_time(&file->modified, &st->st_mtim) &&
	       same_time(&file->changed, &st->st_ctim);
}

/* Call with the mutex held. A release has a few hundred files, so a list will do. */
static struct seen_file *
find_seen(struct seen_files *seen, const struct stat *st)
{
	for (size_t i = seen->count; i-- > 0;)
		if (is_of_stat(&seen->items[i], st))
			return &seen->items[i];
	return NULL;
}

static bool
is_settled(const struct stat *st)
{
	struct timespec now;
	int64_t age_nsec;

	/* The clock that the kernel takes a file's times from. */
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (st->st_ctim.tv_nsec == 0)
		return st->st_ctim.tv_sec + WHOLE_SEC <= now.tv_sec;
	age_nsec = (int64_t)(now.tv_sec - st->st_ctim.tv_sec) * 1000000000 + now.tv_nsec -
		   st->st_ctim.tv_nsec;
	return age_nsec >= TICKS_NSEC;
}

/* Adds what was read from `path` since `before`, if it is that file still. `text` may be NULL. */
static void
remember(struct seen_files *seen, const char *path, const struct stat *before,
	 const struct digest *digest, const char *text)
{
	struct seen_file file = {before->st_dev,
				 before->st_ino,
				 before->st_size,
				 before->st_mtim,
				 before->st_ctim,
				 *digest,
				 NULL};
	struct seen_file *found;
	struct stat after;

	if (stat(path, &after) < 0 || !is_of_stat(&file, &after))
		return;
	(void)pthread_mutex_lock(&seen->mutex);
	found = find_seen(seen, before);
	if (found == NULL) {
		seen->items = xgrow(seen->items, seen->count, sizeof(*seen->items));
		found = &seen->items[seen->count++];
		*found = file;
	}
	if (found->text == NULL && text != NULL) {
		found->text = xmalloc((size_t)file.size + 1);
		memcpy(found->text, text, (size_t)file.size + 1);
	}
	(void)pthread_mutex_unlock(&seen->mutex);
}

int
seen_digest(struct seen_files *seen, const char *path, struct digest *ret_digest,
	    uint64_t *ret_size, struct error *err)
{
	const struct seen_file *found;
	struct digest digest;
	struct stat st;

	/*
	 * What is not a regular file is left to digest_file(). The age counts from before the
	 * reading: a change during it would have the same time.
	 */
	if (seen == NULL || lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || !is_settled(&st))
		return digest_file(path, ret_digest, ret_size, err);
	(void)pthread_mutex_lock(&seen->mutex);
	found = find_seen(seen, &st);
	if (found != NULL) {
		*ret_digest = found->digest;
		if (ret_size != NULL)
			*ret_size = (uint64_t)st.st_size;
	}
	(void)pthread_mutex_unlock(&seen->mutex);
	if (found != NULL)
		return 0;
	if (digest_file(path, &digest, ret_size, err) < 0)
		return -1;
	remember(seen, path, &st, &digest, NULL);
	*ret_digest = digest;
	return 0;
}

/* A copy of the text of a file that was read, or NULL. */
static char *
copy_seen(struct seen_files *seen, const struct stat *st, size_t max_bytes)
{
	const struct seen_file *found;
	char *text = NULL;

	(void)pthread_mutex_lock(&seen->mutex);
	found = find_seen(seen, st);
	if (found != NULL && found->text != NULL && (uint64_t)st->st_size <= max_bytes) {
		text = xmalloc((size_t)st->st_size + 1);
		memcpy(text, found->text, (size_t)st->st_size + 1);
	}
	(void)pthread_mutex_unlock(&seen->mutex);
	return text;
}

int
seen_read(struct seen_files *seen, const char *path, size_t max_bytes, char **ret_text,
	  size_t *ret_length, struct error *err)
{
	auto_free char *text = NULL;
	struct digest digest;
	struct stat st;
	size_t length;

	if (seen == NULL || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !is_settled(&st))
		return read_file(path, max_bytes, ret_text, ret_length, err);
	text = copy_seen(seen, &st, max_bytes);
	length = (size_t)st.st_size;
	if (text == NULL) {
		if (read_file(path, max_bytes, &text, &length, err) < 0)
			return -1;
		digest_of(text, length, &digest);
		if (length == (size_t)st.st_size)
			remember(seen, path, &st, &digest, text);
	}
	*ret_text = TAKE(text);
	if (ret_length != NULL)
		*ret_length = length;
	return 0;
}

bool
seen_is(struct seen_files *seen, const char *path, const char *text)
{
	struct error ignored = ERROR_INIT;
	auto_free char *there = NULL;
	size_t length;

	return seen_read(seen, path, strlen(text), &there, &length, &ignored) == 0 &&
	       length == strlen(text) && memcmp(there, text, length) == 0;
}
