/* SPDX-License-Identifier: MIT */
#include "sources/fetch.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "model/package.h"
#include "net/http.h"
#include "sources/cache.h"
#include "tests/doubles/bad_http.h"
#include "tests/support/scratch.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

static struct bad_http server;
static unsigned int test_number; /* each test has its own counters in the server */

struct fixture {
	char *directory;
	struct cache *cache;
	struct http_client *http;
	struct package_list list;
	struct fetch_result results[64];
	struct fetch_options options;
	char warnings[8192];
	const char *apt_bytes; /* what "apt" gives; NULL: it fails */
	int apt_calls;
};

static void
keep_warning(void *context, const char *sentence)
{
	struct fixture *f = context;
	size_t used = strlen(f->warnings);

	(void)snprintf(f->warnings + used, sizeof(f->warnings) - used, "%s\n", sentence);
}

static int
setup(void **state)
{
	const struct http_options options = {
		.ca_file = server.ca_file, .stall_sec = 4, .tries = 3, .first_wait_ms = 5};
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	test_number++;
	f->directory = scratch_directory();
	assert_ok(cache_open(f->directory, &f->cache, &err), err);
	assert_ok(http_client_new(&options, &f->http, &err), err);
	f->options = (struct fetch_options){.cache = f->cache,
					    .http = f->http,
					    .jobs = 4,
					    .warn = keep_warning,
					    .warn_context = f};
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	fetch_results_clear(f->results, ARRAY_SIZE(f->results));
	package_list_clear(&f->list);
	http_client_free(f->http);
	cache_free(f->cache);
	scratch_remove(f->directory);
	free(f->directory);
	free(f);
	return 0;
}

/* Adds a package of the served content of `size` bytes, with URLs made from MODE/... paths. */
static struct package *
add(struct fixture *f, size_t size, const char *first, const char *second)
{
	struct package *package = package_list_add(&f->list);
	const char *const paths[] = {first, second};

	package->type = SOURCE_FEDORA;
	package->source = xstrdup("s");
	package->host = xstrdup("x86_64");
	package->name = xstrdup("p");
	package->file = xasprintf("p-%zu.rpm", size);
	package->size = size;
	package->sha256 = bad_http_digest(size);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		auto_free char *path = NULL;
		auto_free char *url = NULL;

		if (paths[i] == NULL)
			continue;
		path = xasprintf("f%u/%s", test_number, paths[i]);
		url = bad_http_url(&server, path);
		package_add_url(package, url);
	}
	return package;
}

static int
fetch(struct fixture *f, struct error *err)
{
	fetch_results_clear(f->results, ARRAY_SIZE(f->results));
	f->warnings[0] = '\0';
	return fetch_packages(&f->options, &f->list, f->results, err);
}

static bool
warned(const struct fixture *f, const char *text)
{
	return strstr(f->warnings, text) != NULL;
}

static int
hits(struct fixture *f, const char *mode)
{
	auto_free char *path = xasprintf("f%u/count/%s", test_number, mode);
	auto_free char *url = bad_http_url(&server, path);
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;
	int count = -1;

	assert_ok(http_get(f->http, url, 0, 100, &text, NULL, &err), err);
	assert_int_equal(sscanf(text, "%d", &count), 1);
	return count;
}

static size_t
count_files(const struct fixture *f, const char *part)
{
	auto_free char *path = xasprintf("%s/%s", f->directory, part);
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			count++;
	(void)closedir(dir);
	return count;
}

static char *
partial_path(const struct fixture *f, const struct package *package)
{
	char hex[DIGEST_HEX_SIZE];

	return xasprintf("%s/partial/%s", f->directory, digest_hex(&package->sha256, hex));
}

static void
test_fetches_and_then_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < 9; i++) {
		auto_free char *path = xasprintf("plain/%zu", 100000 + i);

		add(f, 100000 + i, path, NULL);
	}
	add(f, 100000, "plain/100000", NULL); /* the same file for two hosts */
	assert_ok(fetch(f, &err), err);
	assert_int_equal(hits(f, "plain"), 9);
	assert_int_equal(count_files(f, "sha256"), 9);
	for (size_t i = 0; i < f->list.count; i++) {
		struct digest seen;

		assert_ok(digest_file(f->results[i].path, &seen, NULL, &err), err);
		assert_true(digest_equal(&seen, &f->list.items[i].sha256));
	}
	assert_ok(fetch(f, &err), err);
	f->options.offline = true;
	f->options.rehash = true;
	assert_ok(fetch(f, &err), err);
	for (size_t i = 0; i < f->list.count; i++) {
		assert_int_equal(f->results[i].outcome, FETCH_PRESENT);
		assert_null(f->results[i].from);
	}
	assert_int_equal(hits(f, "plain"), 9);
	assert_string_equal(f->warnings, "");
	assert_int_equal(count_files(f, "partial"), 0);
}

/* Ways of one package, and what becomes of it. */
static void
test_ways(void **state)
{
	static const struct {
		const char *first;
		const char *second;
		enum error_code code;
		const char *message; /* of the error, or of the warning before success */
	} rows[] = {
		{"plain/5000", "status/500", ERR_NONE, NULL},
		{"status/404", "plain/5000", ERR_NONE, "status/404': status 404, not found"},
		{"flaky-cut/9/5000", "plain/5000", ERR_NONE, "Empty reply"},
		{"wrong/5000", "plain/5000", ERR_NONE, "wrong/5000': sha256 is "},
		{"longer/5000", "plain/5000", ERR_NONE, "has 5010 bytes, expected 5000"},
		{"cut/2000/5000", NULL, ERR_NONE, NULL},
		{"overstated/5000", "cut/2000/5000", ERR_NONE, "overstated/5000'"},
		{"status/404", NULL, ERR_NOT_FOUND, "cannot fetch 'p-5000.rpm': 'http://127.0.0.1"},
		{"status/404", "status/403", ERR_DENIED, "not found; 'http://127.0.0.1"},
		{"status/403", "status/503", ERR_NETWORK, "status 503"},
		/* a server in trouble is given up early, and asked again when nobody else helps */
		{"flaky/503/2/none/5000", "status/404", ERR_NONE, "status 503"},
		{"flaky/503/2/none/5000", "plain/5000", ERR_NONE, "status 503"},
		{"wrong/5000", "status/503", ERR_VERIFY, "/quarantine/"},
		{"status/503", "shorter/5000", ERR_VERIFY, "has 4990 bytes, expected 5000"},
		{"endless/1", NULL, ERR_VERIFY, "more than the expected 5000 bytes"},
		{NULL, NULL, ERR_NOT_FOUND, "the lock has no URL for it"},
		/* an unsigned package and its signature apart */
		{"plain/5000#signature=x", NULL, ERR_INPUT, "malformed URL"},
		{"plain/5000#signature=file:///proc/nonexistent", "plain/5000", ERR_NONE,
		 "nonexistent"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct fixture *f;
		int result;

		assert_int_equal(setup(state), 0);
		f = *state;
		add(f, 5000, rows[i].first, rows[i].second);
		result = fetch(f, &err);
		if (rows[i].code == ERR_NONE) {
			if (result < 0)
				fail_msg("row %zu: %s", i, err.message);
			assert_int_equal(f->results[0].outcome, FETCH_FETCHED);
			assert_int_equal(warned(f, "p-5000.rpm"), rows[i].message != NULL);
			if (rows[i].message != NULL && !warned(f, rows[i].message))
				fail_msg("row %zu: warned '%s'", i, f->warnings);
			assert_int_equal(count_files(f, "partial"), 0);
		} else {
			assert_refused(result, err, rows[i].code, rows[i].message);
			assert_int_equal(f->results[0].outcome, FETCH_FAILED);
			assert_null(f->results[0].path);
			assert_int_equal(count_files(f, "sha256"), 0);
		}
		assert_int_equal(teardown(state), 0);
	}
	assert_int_equal(setup(state), 0);
}

/* Others are fetched although one fails, and the sentence counts. */
static void
test_carries_on(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	add(f, 1000, "status/404", NULL);
	add(f, 1001, "plain/1001", NULL);
	add(f, 1002, "wrong/1002", NULL);
	add(f, 1003, "plain/1003", NULL);
	assert_refused(fetch(f, &err), err, ERR_VERIFY,
		       "2 of 4 packages are missing: 'p-1000.rpm', 'p-1002.rpm'");
	assert_int_equal(f->results[0].outcome, FETCH_FAILED);
	assert_int_equal(f->results[0].error.code, ERR_NOT_FOUND);
	assert_int_equal(f->results[1].outcome, FETCH_FETCHED);
	assert_int_equal(f->results[3].outcome, FETCH_FETCHED);
	assert_int_equal(count_files(f, "sha256"), 2);
	assert_int_equal(count_files(f, "quarantine"), 1);
}

static void
test_resumes(void **state)
{
	struct fixture *f = *state;
	struct package *package = add(f, 300000, "plain/300000", NULL);
	auto_free char *partial = partial_path(f, package);
	auto_free uint8_t *content = bad_http_content(300000);
	struct error err = ERROR_INIT;

	assert_ok(write_file(partial, content, 200000, 0600, &err), err);
	assert_ok(fetch(f, &err), err);
	assert_int_equal(f->results[0].received, 100000);
	assert_string_equal(f->warnings, "");
}

/* What is there from before may be wrong: then all of it is fetched, once. */
static void
test_wrong_partial(void **state)
{
	struct fixture *f = *state;
	struct package *package = add(f, 300000, "plain/300000", NULL);
	auto_free char *partial = partial_path(f, package);
	auto_free uint8_t *content = bad_http_content(300000);
	struct error err = ERROR_INIT;

	content[77] ^= 1;
	assert_ok(write_file(partial, content, 200000, 0600, &err), err);
	assert_ok(fetch(f, &err), err);
	assert_int_equal(f->results[0].received, 400000);
	assert_int_equal(hits(f, "plain"), 2);
	assert_int_equal(count_files(f, "quarantine"), 0);
}

static void
test_damaged_cache_is_mended(void **state)
{
	struct fixture *f = *state;
	auto_free uint8_t *content = bad_http_content(3000);
	struct error err = ERROR_INIT;

	add(f, 3000, "plain/3000", NULL);
	assert_ok(fetch(f, &err), err);
	content[5] ^= 1;
	assert_ok(write_file(f->results[0].path, content, 3000, 0600, &err), err);
	f->options.rehash = true;
	assert_ok(fetch(f, &err), err);
	assert_int_equal(f->results[0].outcome, FETCH_FETCHED);
	assert_true(warned(f, "damaged file in the cache") && warned(f, "/quarantine/"));
	assert_int_equal(count_files(f, "quarantine"), 1);
}

static void
test_offline(void **state)
{
	struct fixture *f = *state;
	auto_free uint8_t *content = bad_http_content(3000);
	auto_free char *path = xasprintf("%s/local.rpm", f->directory);
	auto_free char *url = xasprintf("file://%s", path);
	struct error err = ERROR_INIT;

	add(f, 1000, "plain/1000", NULL);
	package_add_url(add(f, 3000, "plain/3000", NULL), url);
	assert_ok(write_file(path, content, 3000, 0600, &err), err);
	f->options.offline = true;
	assert_refused(fetch(f, &err), err, ERR_NOT_FOUND,
		       "cannot fetch 'p-1000.rpm': 'http://127.0.0.1");
	assert_non_null(strstr(err.message, "is not available with --offline"));
	assert_int_equal(hits(f, "plain"), 0);
	assert_int_equal(f->results[1].outcome, FETCH_FETCHED);
	assert_string_equal(f->results[1].from, url);
}

/* A stand-in for apt-get. */
static int
fetch_by_apt(void *context, const struct package *package, const char *directory,
	     struct progress_task *task, char **ret_path, struct error *err)
{
	struct fixture *f = context;
	auto_free char *path = path_join(directory, package->file);

	(void)task;
	f->apt_calls++;
	if (f->apt_bytes == NULL)
		return error_set(err, ERR_REMOTE, "no such version");
	if (write_file(path, f->apt_bytes, strlen(f->apt_bytes), 0600, err) < 0)
		return -1;
	*ret_path = TAKE(path);
	return 0;
}

static void
test_apt(void **state)
{
	static const struct {
		const char *bytes;
		const char *url;
		const char *warning;
		enum error_code code;
		const char *message;
		const char *from;
	} rows[] = {
		{"\001", NULL, NULL, ERR_NONE, NULL, "apt"},
		{"\002", NULL, NULL, ERR_VERIFY, "sha256 is ", NULL},
		{"12", NULL, NULL, ERR_VERIFY, "has 2 bytes, expected 1", NULL},
		{NULL, NULL, NULL, ERR_REMOTE, "apt: no such version", NULL},
		{NULL, "plain/1", "apt: no such version", ERR_NONE, NULL, "http://127.0.0.1"},
		{"\002", "plain/1", "sha256 is ", ERR_NONE, NULL, "http://127.0.0.1"},
		{NULL, "status/404", NULL, ERR_REMOTE, "no such version; 'http://127.0.0.1", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct package *package;
		struct fixture *f;

		assert_int_equal(setup(state), 0);
		f = *state;
		f->options.fetch_apt = fetch_by_apt;
		f->options.apt_context = f;
		f->apt_bytes = rows[i].bytes;
		package = add(f, 1, rows[i].url, NULL);
		package->type = SOURCE_APT;
		digest_of(rows[i].url != NULL ? "\0" : "\001", 1, &package->sha256);
		if (rows[i].code != ERR_NONE)
			assert_refused(fetch(f, &err), err, rows[i].code, rows[i].message);
		else
			assert_ok(fetch(f, &err), err);
		assert_int_equal(f->apt_calls, 1);
		if (rows[i].from != NULL)
			assert_true(text_starts_with(f->results[0].from, rows[i].from));
		if (rows[i].warning != NULL)
			assert_true(warned(f, rows[i].warning));
		assert_int_equal(count_files(f, "partial"), 0);
		f->apt_calls = 0;
		f->options.offline = true;
		if (rows[i].code == ERR_NONE)
			assert_ok(fetch(f, &err), err);
		else
			assert_refused(fetch(f, &err), err, ERR_NOT_FOUND,
				       "apt is not available with --offline");
		assert_int_equal(f->apt_calls, 0);
		assert_int_equal(teardown(state), 0);
	}
	assert_int_equal(setup(state), 0);
}

/* Two runs at once on one cache: each file comes once, and both have it. */

struct run {
	pthread_t thread;
	struct fixture *f;
	struct fetch_result results[64];
	int result;
	struct error err;
};

static void *
run_again(void *context)
{
	struct run *run = context;

	run->result = fetch_packages(&run->f->options, &run->f->list, run->results, &run->err);
	return NULL;
}

static void
test_two_runs(void **state)
{
	struct fixture *f = *state;
	struct run runs[2] = {{.f = f}, {.f = f}};

	f->options.warn = NULL; /* which of the two waits is open */
	for (size_t i = 0; i < 12; i++) {
		auto_free char *path = xasprintf("plain/%zu", 200000 + i);

		add(f, 200000 + i, path, NULL);
	}
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&runs[i].thread, NULL, run_again, &runs[i]), 0);
	for (size_t i = 0; i < 2; i++)
		(void)pthread_join(runs[i].thread, NULL);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(runs[i].result, runs[i].err);
		for (size_t k = 0; k < f->list.count; k++)
			assert_non_null(runs[i].results[k].path);
		fetch_results_clear(runs[i].results, f->list.count);
	}
	assert_int_equal(hits(f, "plain"), 12);
	assert_int_equal(count_files(f, "sha256"), 12);
	assert_int_equal(count_files(f, "partial"), 0);
}

static int
start(void **state)
{
	(void)state;
	bad_http_start(&server);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	bad_http_stop(&server);
	return 0;
}

#define with_cache(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_cache(test_fetches_and_then_does_nothing),
		with_cache(test_carries_on),
		with_cache(test_resumes),
		with_cache(test_wrong_partial),
		with_cache(test_damaged_cache_is_mended),
		with_cache(test_offline),
		with_cache(test_two_runs),
		cmocka_unit_test_teardown(test_ways, teardown),
		cmocka_unit_test_teardown(test_apt, teardown),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
