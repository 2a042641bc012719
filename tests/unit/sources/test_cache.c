/* SPDX-License-Identifier: MIT */
#include "sources/cache.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "tests/support/scratch.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char content[] = "the bytes of a package\n";
enum { SIZE = sizeof(content) - 1 };

struct fixture {
	char *directory;
	struct cache *cache;
	struct digest digest; /* of `content` */
	char hex[DIGEST_HEX_SIZE];
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	f->directory = scratch_directory();
	assert_ok(cache_open(f->directory, &f->cache, &err), err);
	digest_of(content, SIZE, &f->digest);
	(void)digest_hex(&f->digest, f->hex);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	cache_free(f->cache);
	scratch_remove(f->directory);
	free(f->directory);
	free(f);
	return 0;
}

/* The path of a file in the cache, to be freed. */
static char *
at(const struct fixture *f, const char *part, const char *name)
{
	return xasprintf("%s/%s/%s", f->directory, part, name);
}

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void
put(const char *path, const void *bytes, size_t length)
{
	struct error err = ERROR_INIT;

	assert_ok(write_file(path, bytes, length, 0600, &err), err);
}

static void
fill(struct fixture *f)
{
	AUTO(cache_entry_clear) struct cache_entry entry = CACHE_ENTRY_INIT;
	struct error err = ERROR_INIT;

	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_ok(write_all(entry.fd, content, SIZE, "entry", &err), err);
	assert_ok(cache_commit(&entry, &f->digest, NULL, &err), err);
}

static int
look(struct fixture *f, enum cache_check check, struct error *err)
{
	return cache_lookup(f->cache, &f->digest, SIZE, check, NULL, err);
}

static void
test_round_trip(void **state)
{
	struct fixture *f = *state;
	AUTO(cache_entry_clear) struct cache_entry entry = CACHE_ENTRY_INIT;
	auto_free char *want = at(f, "sha256", f->hex);
	auto_free char *partial = at(f, "partial", f->hex);
	auto_free char *path = NULL;
	struct error err = ERROR_INIT;
	struct stat st;

	assert_int_equal(look(f, CACHE_CHECK_DIGEST, &err), 0);
	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_int_equal(entry.have, 0);
	assert_ok(write_all(entry.fd, content, SIZE, "entry", &err), err);
	assert_false(exists(want));
	assert_ok(cache_commit(&entry, &f->digest, &path, &err), err);
	assert_string_equal(path, want);
	assert_false(exists(partial));
	assert_int_equal(entry.fd, -1);
	free(TAKE(path));
	assert_int_equal(cache_lookup(f->cache, &f->digest, SIZE, CACHE_CHECK_DIGEST, &path, &err),
			 1);
	assert_string_equal(path, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 1);
	assert_false(exists(partial));
}

static void
test_resumes(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry = CACHE_ENTRY_INIT;
	auto_free char *partial = at(f, "partial", f->hex);
	struct error err = ERROR_INIT;

	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_ok(write_all(entry.fd, content, 10, "entry", &err), err);
	cache_entry_clear(&entry);
	assert_true(exists(partial));
	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_int_equal(entry.have, 10);
	cache_entry_clear(&entry);
	/* Longer than it can be: nothing of it is used. */
	put(partial, "0123456789012345678901234567890123456789", 40);
	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_int_equal(entry.have, 0);
	assert_int_equal(ftruncate(entry.fd, 0), 0);
	cache_entry_clear(&entry);
	/* Nothing has arrived: nothing is left behind. */
	assert_false(exists(partial));
}

static void
test_wrong_content(void **state)
{
	static const struct {
		const char *bytes;
		const char *message;
	} rows[] = {
		{"the bytes of a packagE\n", "sha256 is "},
		{"the bytes", "size is 9, expected 23 (sha256 "},
		{"", "size is 0, expected 23 (sha256 "},
	};
	struct fixture *f = *state;
	auto_free char *final = at(f, "sha256", f->hex);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cache_entry entry = CACHE_ENTRY_INIT;
		struct error err = ERROR_INIT;
		struct digest wrong;
		char hex[DIGEST_HEX_SIZE];
		auto_free char *aside = NULL;
		char *path = NULL;

		digest_of(rows[i].bytes, strlen(rows[i].bytes), &wrong);
		aside = at(f, "quarantine", digest_hex(&wrong, hex));
		assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
		assert_ok(write_all(entry.fd, rows[i].bytes, strlen(rows[i].bytes), "e", &err),
			  err);
		assert_refused(cache_commit(&entry, &wrong, &path, &err), err, ERR_VERIFY,
			       rows[i].message);
		assert_non_null(strstr(err.message, aside));
		assert_null(path);
		assert_true(exists(aside));
		assert_false(exists(final));
	}
}

static void
test_damaged_in_cache(void **state)
{
	static const struct {
		const char *bytes;
		bool by_size; /* is noticed without hashing */
	} rows[] = {{"the bytes of a packagE\n", false}, {"the bytes", true}, {"", true}};
	struct fixture *f = *state;
	auto_free char *final = at(f, "sha256", f->hex);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct digest wrong;
		char hex[DIGEST_HEX_SIZE];
		auto_free char *aside = NULL;

		digest_of(rows[i].bytes, strlen(rows[i].bytes), &wrong);
		aside = at(f, "quarantine", digest_hex(&wrong, hex));
		put(final, rows[i].bytes, strlen(rows[i].bytes));
		if (!rows[i].by_size)
			assert_int_equal(look(f, CACHE_CHECK_SIZE, &err), 1);
		assert_refused(
			look(f, rows[i].by_size ? CACHE_CHECK_SIZE : CACHE_CHECK_DIGEST, &err), err,
			ERR_VERIFY, final);
		assert_non_null(strstr(err.message, aside));
		assert_true(exists(aside));
		assert_int_equal(look(f, CACHE_CHECK_DIGEST, &err), 0);
		fill(f);
		assert_int_equal(look(f, CACHE_CHECK_DIGEST, &err), 1);
		assert_int_equal(unlink(final), 0);
	}
}

static void
test_links_are_refused(void **state)
{
	struct fixture *f = *state;
	auto_free char *final = at(f, "sha256", f->hex);
	auto_free char *elsewhere = at(f, "partial", "elsewhere");
	struct error err = ERROR_INIT;

	put(elsewhere, content, SIZE);
	assert_int_equal(symlink(elsewhere, final), 0);
	assert_refused(look(f, CACHE_CHECK_SIZE, &err), err, ERR_IO, final);
	assert_int_equal(unlink(final), 0);
	assert_int_equal(mkdir(final, 0700), 0);
	assert_refused(look(f, CACHE_CHECK_SIZE, &err), err, ERR_IO, "is not a regular file");
}

/* Two that want the same file: the second waits, and then finds it done. */

struct second {
	pthread_t thread;
	struct fixture *f;
	int begun;
	struct error err;
};

static void *
begin_second(void *context)
{
	struct second *second = context;
	AUTO(cache_entry_clear) struct cache_entry entry = CACHE_ENTRY_INIT;

	second->begun =
		cache_begin(second->f->cache, &second->f->digest, SIZE, true, &entry, &second->err);
	return NULL;
}

static void
test_second_waits(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry = CACHE_ENTRY_INIT, other = CACHE_ENTRY_INIT;
	struct second second = {.f = f};
	struct error err = ERROR_INIT;

	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_refused(cache_begin(f->cache, &f->digest, SIZE, false, &other, &err), err, ERR_BUSY,
		       f->hex);
	assert_int_equal(pthread_create(&second.thread, NULL, begin_second, &second), 0);
	assert_ok(write_all(entry.fd, content, SIZE, "entry", &err), err);
	assert_ok(cache_commit(&entry, &f->digest, NULL, &err), err);
	(void)pthread_join(second.thread, NULL);
	assert_int_equal(second.begun, 1);
}

/* ... and takes over from one that gave up. */
static void
test_second_takes_over(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry = CACHE_ENTRY_INIT;
	struct second second = {.f = f};
	struct error err = ERROR_INIT;

	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_int_equal(pthread_create(&second.thread, NULL, begin_second, &second), 0);
	(void)usleep(20000);
	cache_entry_clear(&entry);
	(void)pthread_join(second.thread, NULL);
	if (second.begun != 0)
		fail_msg("%d %s", second.begun, second.err.message);
}

/* The lock of a killed process is gone, and what it wrote is there. */
static void
test_killed(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry = CACHE_ENTRY_INIT;
	struct error err = ERROR_INIT;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err) == 0 &&
		    write(entry.fd, content, 7) == 7 && write(ready[1], "x", 1) == 1)
			(void)pause();
		_exit(1);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	assert_refused(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), err, ERR_BUSY,
		       f->hex);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(cache_begin(f->cache, &f->digest, SIZE, false, &entry, &err), 0);
	assert_int_equal(entry.have, 7);
	cache_entry_clear(&entry);
}

static void
test_adopt(void **state)
{
	struct fixture *f = *state;
	auto_free char *source = at(f, "partial", "source");
	auto_free char *final = at(f, "sha256", f->hex);
	auto_free char *path = NULL;
	struct error err = ERROR_INIT;

	assert_refused(cache_adopt(f->cache, source, &f->digest, SIZE, &path, &err), err,
		       ERR_NOT_FOUND, source);
	put(source, "the bytes of a packagE\n", SIZE);
	assert_refused(cache_adopt(f->cache, source, &f->digest, SIZE, &path, &err), err,
		       ERR_VERIFY, source);
	put(source, "the bytes", 9);
	assert_refused(cache_adopt(f->cache, source, &f->digest, SIZE, &path, &err), err,
		       ERR_VERIFY, "has 9 bytes, expected 23");
	assert_refused(cache_adopt(f->cache, f->directory, &f->digest, SIZE, &path, &err), err,
		       ERR_IO, "not a regular file");
	assert_null(path);
	assert_false(exists(final));
	put(source, content, SIZE);
	assert_ok(cache_adopt(f->cache, source, &f->digest, SIZE, &path, &err), err);
	assert_string_equal(path, final);
	assert_true(exists(source));
	assert_int_equal(look(f, CACHE_CHECK_DIGEST, &err), 1);
	/* Once it is in, the source is not even looked at. */
	assert_int_equal(unlink(source), 0);
	free(TAKE(path));
	assert_ok(cache_adopt(f->cache, source, &f->digest, SIZE, &path, &err), err);
	assert_string_equal(path, final);
}

/* A full disk, here a limit on file sizes: a clear error, and nothing under the final name. */
static void
test_full_disk(void **state)
{
	struct fixture *f = *state;
	auto_free char *source = at(f, "partial", "source");
	auto_free char *final = at(f, "sha256", f->hex);
	auto_free char *partial = at(f, "partial", f->hex);
	struct rlimit saved, small;
	struct error err = ERROR_INIT;

	put(source, content, SIZE);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	small = saved;
	small.rlim_cur = 10;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_refused(cache_adopt(f->cache, source, &f->digest, SIZE, NULL, &err), err, ERR_IO,
		       partial);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	assert_non_null(strstr(err.message, "File too large"));
	assert_false(exists(final));
	assert_ok(cache_adopt(f->cache, source, &f->digest, SIZE, NULL, &err), err);
}

static void
test_where(void **state)
{
	static const struct {
		const char *option;
		const char *xdg;
		const char *home;
		const char *suffix; /* NULL: refused */
	} rows[] = {
		{"own", "xdg", "home", "/own"},
		{NULL, "xdg", "home", "/xdg/distributor"},
		{NULL, "", "home", "/home/.cache/distributor"},
		{NULL, NULL, "home", "/home/.cache/distributor"},
		{NULL, NULL, NULL, NULL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *option =
			rows[i].option != NULL ? path_join(f->directory, rows[i].option) : NULL;
		auto_free char *xdg = rows[i].xdg != NULL && *rows[i].xdg != '\0'
					      ? path_join(f->directory, rows[i].xdg)
					      : xstrdup("relative/path");
		auto_free char *home =
			path_join(f->directory, rows[i].home != NULL ? rows[i].home : "");
		AUTO(cache_freep) struct cache *cache = NULL;
		struct error err = ERROR_INIT;

		assert_int_equal(rows[i].xdg != NULL ? setenv("XDG_CACHE_HOME", xdg, 1)
						     : unsetenv("XDG_CACHE_HOME"),
				 0);
		assert_int_equal(rows[i].home != NULL ? setenv("HOME", home, 1) : unsetenv("HOME"),
				 0);
		if (rows[i].suffix == NULL) {
			assert_refused(cache_open(option, &cache, &err), err, ERR_INPUT,
				       "--cache DIR");
			continue;
		}
		assert_ok(cache_open(option, &cache, &err), err);
		assert_true(text_ends_with(cache_directory(cache), rows[i].suffix));
		assert_true(text_starts_with(cache_directory(cache), f->directory));
	}
}

/* The contents of a cache, apt's configuration among them, are its owner's. */
static void
test_foreign_cache(void **state)
{
	struct fixture *f = *state;
	auto_free char *foreign = path_join(f->directory, "foreign");
	auto_free char *parts = path_join(foreign, "sha256");
	AUTO(cache_freep) struct cache *cache = NULL;
	struct error err = ERROR_INIT;

	if (geteuid() != 0)
		skip_because("directories of other users: not root");
	assert_int_equal(mkdir(foreign, 0777), 0);
	assert_int_equal(chown(foreign, 4711, 4711), 0);
	assert_refused(cache_open(foreign, &cache, &err), err, ERR_INPUT, "belongs to user 4711");
	assert_non_null(strstr(err.message, "--cache DIR"));
	assert_null(cache);
	assert_int_equal(access(parts, F_OK), -1);
	assert_int_equal(rmdir(foreign), 0);
}

static void
test_unusable_directory(void **state)
{
	struct fixture *f = *state;
	auto_free char *file = at(f, "partial", "file");
	auto_free char *below = xasprintf("%s/cache", file);
	struct cache *cache = NULL;
	struct error err = ERROR_INIT;

	put(file, "", 0);
	assert_refused(cache_open(below, &cache, &err), err, ERR_INPUT, file);
	assert_non_null(strstr(err.message, "--cache DIR"));
	assert_null(cache);
}

#define with_cache(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_cache(test_round_trip),
		with_cache(test_resumes),
		with_cache(test_wrong_content),
		with_cache(test_damaged_in_cache),
		with_cache(test_links_are_refused),
		with_cache(test_second_waits),
		with_cache(test_second_takes_over),
		with_cache(test_killed),
		with_cache(test_adopt),
		with_cache(test_full_disk),
		with_cache(test_where),
		with_cache(test_foreign_cache),
		with_cache(test_unusable_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
