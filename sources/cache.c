/* SPDX-License-Identifier: MIT */
#include "sources/cache.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct cache {
	char *directory;
};

static int
default_directory(char **ret_directory, struct error *err)
{
	const char *cache_home = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	/* A relative path there has to be ignored (XDG Base Directory Specification). */
	if (cache_home != NULL && cache_home[0] == '/')
		*ret_directory = path_join(cache_home, "distributor");
	else if (home != NULL && home[0] == '/')
		*ret_directory = path_join(home, ".cache/distributor");
	else
		return error_set(err, ERR_INPUT,
				 "no cache directory: neither XDG_CACHE_HOME nor HOME is set; use "
				 "--cache DIR");
	return 0;
}

/*
 * Whoever owns the cache decides what is in it: files, and apt's configuration, which names
 * programs to run. That has to be who runs this, or root.
 */
static int
check_owner(const char *directory, struct error *err)
{
	struct stat st;

	if (stat(directory, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access the cache '%s'", directory);
	if (st.st_uid == geteuid() || st.st_uid == 0)
		return 0;
	return error_set(err, ERR_INPUT,
			 "the cache '%s' belongs to user %lu, not to you or root; choose another "
			 "with --cache DIR",
			 directory, (unsigned long)st.st_uid);
}

static int
make_directory(const char *path, struct error *err)
{
	auto_free char *why = NULL;

	if (make_directories(path, err) == 0)
		return 0;
	why = xstrdup(err->message);
	return error_set(err, err->code, "%s; choose another cache directory with --cache DIR",
			 why);
}

int
cache_open(const char *directory, struct cache **ret_cache, struct error *err)
{
	static const char *const parts[] = {"sha256", "partial", "quarantine"};
	AUTO(cache_freep) struct cache *cache = xcalloc(1, sizeof(*cache));

	if (directory != NULL)
		cache->directory = xstrdup(directory);
	else if (default_directory(&cache->directory, err) < 0)
		return -1;
	if (make_directory(cache->directory, err) < 0 || check_owner(cache->directory, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		auto_free char *path = path_join(cache->directory, parts[i]);

		if (make_directory(path, err) < 0)
			return -1;
	}
	*ret_cache = TAKE(cache);
	return 0;
}

void
cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	free(cache->directory);
	free(cache);
}

void
cache_freep(struct cache **cache)
{
	cache_free(*cache);
	*cache = NULL;
}

const char *
cache_directory(const struct cache *cache)
{
	return cache->directory;
}

static char *
path_in(const struct cache *cache, const char *part, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	return xasprintf("%s/%s/%s", cache->directory, part, digest_hex(digest, hex));
}

/* Whether the name still means the file that is open. */
static bool
is_same_file(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Moves the open file at `path`, whose digest is `seen`, out of the way. Always fails. */
static int
set_aside(const struct cache *cache, int fd, const char *path, const struct digest *want,
	  const struct digest *seen, uint64_t size, uint64_t want_size, struct error *err)
{
	auto_free char *aside = path_in(cache, "quarantine", seen);
	char want_hex[DIGEST_HEX_SIZE], seen_hex[DIGEST_HEX_SIZE];

	/* Another process may have set it aside, and a good one may be there by now. */
	if (is_same_file(fd, path) && rename(path, aside) < 0)
		return error_set_errno(err, ERR_IO, "cannot move '%s' to '%s'", path, aside);
	if (size != want_size)
		return error_set(err, ERR_VERIFY,
				 "size is %llu, expected %llu (sha256 %s); moved to '%s'",
				 (unsigned long long)size, (unsigned long long)want_size,
				 digest_hex(seen, seen_hex), aside);
	return error_set(err, ERR_VERIFY, "sha256 is %s, expected %s; moved to '%s'",
			 digest_hex(seen, seen_hex), digest_hex(want, want_hex), aside);
}

int
cache_lookup(struct cache *cache, const struct digest *digest, uint64_t size,
	     enum cache_check check, char **ret_path, struct error *err)
{
	auto_free char *path = path_in(cache, "sha256", digest);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct digest seen = *digest;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_IO, "'%s' is not a regular file; remove it", path);
	if ((check == CACHE_CHECK_DIGEST || (uint64_t)st.st_size != size) &&
	    digest_fd(fd, path, &seen, NULL, err) < 0)
		return -1;
	if ((uint64_t)st.st_size != size || !digest_equal(&seen, digest)) {
		(void)set_aside(cache, fd, path, digest, &seen, (uint64_t)st.st_size, size, err);
		return error_prefix(err, "damaged file in the cache: '%s'", path);
	}
	if (ret_path != NULL)
		*ret_path = TAKE(path);
	return 1;
}

/*
 * Takes the lock, which ends with the process. It is asked for again and again rather than waited
 * for, so that a signal is noticed whichever thread it meets.
 */
static int
lock_entry(int fd, const char *path, bool wait, struct error *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return error_set_errno(err, ERR_IO, "cannot lock '%s'", path);
		if (!wait)
			return error_set(err, ERR_BUSY, "another run is fetching '%s'", path);
		if (interrupt_check(err) < 0)
			return -1;
		(void)interrupt_pause(100);
	}
	return 0;
}

/* One attempt of cache_begin(): 0 with the entry, 1 if the file changed under the lock, or -1. */
static int
try_begin(struct cache_entry *entry, bool wait, struct error *err)
{
	auto_close int fd = open(entry->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	auto_free char *final = path_in(entry->cache, "sha256", &entry->digest);
	struct stat st;
	bool there;

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", entry->path);
	if (lock_entry(fd, entry->path, wait, err) < 0)
		return -1;
	/* Who held the lock has renamed or removed it: this file is not ours to write. */
	if (!is_same_file(fd, entry->path))
		return 1;
	if (path_exists(final, &there, err) < 0)
		return -1;
	if (there) {
		(void)unlink(entry->path);
		return 1;
	}
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", entry->path);
	entry->have = (uint64_t)st.st_size <= entry->size ? (uint64_t)st.st_size : 0;
	entry->fd = fd;
	fd = -1;
	return 0;
}

int
cache_begin(struct cache *cache, const struct digest *digest, uint64_t size, bool wait,
	    struct cache_entry *ret_entry, struct error *err)
{
	AUTO(cache_entry_clear)
	struct cache_entry entry = {.cache = cache, .digest = *digest, .size = size, .fd = -1};
	int result;

	entry.path = path_in(cache, "partial", digest);
	do {
		result = cache_lookup(cache, digest, size, CACHE_CHECK_SIZE, NULL, err);
		if (result != 0)
			return result;
		result = try_begin(&entry, wait, err);
	} while (result > 0);
	if (result < 0)
		return -1;
	*ret_entry = entry;
	entry = (struct cache_entry)CACHE_ENTRY_INIT;
	return 0;
}

void
cache_entry_clear(struct cache_entry *entry)
{
	struct stat st;

	if (entry->path == NULL)
		return;
	if (entry->fd >= 0) {
		/* Still under the lock. After a commit the name is no longer this file's. */
		if (fstat(entry->fd, &st) == 0 && st.st_size == 0 &&
		    is_same_file(entry->fd, entry->path))
			(void)unlink(entry->path);
		(void)close(entry->fd);
	}
	free(entry->path);
	*entry = (struct cache_entry)CACHE_ENTRY_INIT;
}

static int
commit(struct cache_entry *entry, const struct digest *seen, const char *final, struct error *err)
{
	struct stat st;

	if (fstat(entry->fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", entry->path);
	if ((uint64_t)st.st_size != entry->size || !digest_equal(seen, &entry->digest))
		return set_aside(entry->cache, entry->fd, entry->path, &entry->digest, seen,
				 (uint64_t)st.st_size, entry->size, err);
	if (rename(entry->path, final) < 0)
		return error_set_errno(err, ERR_IO, "cannot rename '%s' to '%s'", entry->path,
				       final);
	/* Afterwards: a partial file that nobody may write could not be gone on with. */
	if (fchmod(entry->fd, 0444) < 0)
		return error_set_errno(err, ERR_IO, "cannot set the mode of '%s'", final);
	return 0;
}

int
cache_commit(struct cache_entry *entry, const struct digest *seen, char **ret_path,
	     struct error *err)
{
	auto_free char *final = path_in(entry->cache, "sha256", &entry->digest);
	int result = commit(entry, seen, final, err);

	cache_entry_clear(entry);
	if (result == 0 && ret_path != NULL)
		*ret_path = TAKE(final);
	return result;
}

static int
copy_hashed(int from, const char *name, const struct cache_entry *entry, struct digest *ret_seen,
	    struct error *err)
{
	enum { CHUNK = 256 << 10 };
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();
	auto_free uint8_t *chunk = xmalloc(CHUNK);
	uint64_t copied = 0;

	if (ftruncate(entry->fd, 0) < 0)
		return error_set_errno(err, ERR_IO, "cannot truncate '%s'", entry->path);
	for (;;) {
		ssize_t n = read(from, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot read '%s'", name);
		if (n == 0)
			break;
		if (interrupt_check(err) < 0)
			return -1;
		hasher_update(hasher, chunk, (size_t)n);
		if (write_all(entry->fd, chunk, (size_t)n, entry->path, err) < 0)
			return -1;
		copied += (uint64_t)n;
		if (copied > entry->size)
			return error_set(err, ERR_VERIFY, "'%s' grew while it was read", name);
	}
	hasher_finish(hasher, ret_seen);
	return 0;
}

int
cache_fill(struct cache_entry *entry, const char *path, char **ret_path, struct error *err)
{
	auto_close int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct digest seen;
	struct stat st;

	if (from < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERR_IO, "'%s' is not a regular file", path);
	if ((uint64_t)st.st_size != entry->size)
		return error_set(err, ERR_VERIFY, "'%s' has %llu bytes, expected %llu", path,
				 (unsigned long long)st.st_size, (unsigned long long)entry->size);
	if (copy_hashed(from, path, entry, &seen, err) < 0)
		return -1;
	if (cache_commit(entry, &seen, ret_path, err) < 0)
		return error_prefix(err, "'%s'", path);
	return 0;
}

int
cache_adopt(struct cache *cache, const char *path, const struct digest *digest, uint64_t size,
	    char **ret_path, struct error *err)
{
	AUTO(cache_entry_clear) struct cache_entry entry = CACHE_ENTRY_INIT;
	int begun = cache_begin(cache, digest, size, true, &entry, err);

	if (begun < 0)
		return -1;
	if (begun == 0)
		return cache_fill(&entry, path, ret_path, err);
	if (ret_path != NULL)
		*ret_path = path_in(cache, "sha256", digest);
	return 0;
}
