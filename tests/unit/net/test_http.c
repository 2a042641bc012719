/* SPDX-License-Identifier: MIT */
#include "net/http.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "net/names.h"
#include "tests/doubles/bad_http.h"
#include "tests/support/refuse.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct bad_http server;
static char notices[4096];
static pthread_mutex_t notices_lock = PTHREAD_MUTEX_INITIALIZER;

static void
keep_notice(void *context, const char *sentence)
{
	size_t used;

	(void)context;
	(void)pthread_mutex_lock(&notices_lock);
	used = strlen(notices);
	(void)snprintf(notices + used, sizeof(notices) - used, "%s\n", sentence);
	(void)pthread_mutex_unlock(&notices_lock);
}

/* Impatient, so that the tests are quick. */
static struct http_client *
make_client_that_waits(unsigned int stall_sec)
{
	const struct http_options options = {
		.user_agent = "test/1",
		.ca_file = server.ca_file,
		.stall_sec = stall_sec,
		.tries = 4,
		.first_wait_ms = 5,
		.max_wait_ms = 3000,
		.notice = keep_notice,
	};
	struct http_client *client = NULL;
	struct error err = ERROR_INIT;

	notices[0] = '\0';
	assert_ok(http_client_new(&options, &client, &err), err);
	return client;
}

static struct http_client *
make_client(void)
{
	return make_client_that_waits(0);
}

static int
open_scratch(void)
{
	int fd = open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* How many requests /TEST/MODE had. */
static int
hits(struct http_client *client, const char *test, const char *mode)
{
	struct error err = ERROR_INIT;
	auto_free char *path = xasprintf("%s/count/%s", test, mode);
	auto_free char *url = bad_http_url(&server, path);
	auto_free char *text = NULL;
	int count = -1;

	assert_ok(http_get(client, url, 0, 100, &text, NULL, &err), err);
	assert_int_equal(sscanf(text, "%d", &count), 1);
	return count;
}

/* Downloads. */

struct download_row {
	const char *path; /* MODE/ARGUMENTS, asked for as /dN/PATH */
	size_t size;      /* as the lock says */
	size_t present;   /* so many right bytes are in the file before */
	enum error_code code;
	const char *message; /* part of it, for failures */
	bool resumed;
	int hits; /* -1: not counted */
};

static const struct download_row download_rows[] = {
	/* what works */
	{"plain/300000", 300000, 0, ERR_NONE, NULL, false, 1},
	{"plain/1", 1, 0, ERR_NONE, NULL, false, 1},
	{"plain/0", 0, 0, ERR_NONE, NULL, false, 1},
	{"chunked/300000", 300000, 0, ERR_NONE, NULL, false, -1},
	{"drip/50000", 50000, 0, ERR_NONE, NULL, false, -1},
	{"redirect/302/5/plain/300000", 300000, 0, ERR_NONE, NULL, false, -1},
	{"to/307/other/plain/300000", 300000, 0, ERR_NONE, NULL, false, 1},
	{"to/301/tls/plain/300000", 300000, 0, ERR_NONE, NULL, false, 1},
	{"page/302/400000/plain/300000", 300000, 0, ERR_NONE, NULL, false, 1},

	/* resumed, from a run before and within this one */
	{"plain/300000", 300000, 100000, ERR_NONE, NULL, true, 1},
	{"plain/300000", 300000, 299999, ERR_NONE, NULL, true, 1},
	{"plain/300000", 300000, 300000, ERR_NONE, NULL, true, 0},
	{"plain/300000", 300000, 300001, ERR_NONE, NULL, false, 1},
	{"to/307/other/plain/300000", 300000, 100000, ERR_NONE, NULL, true, 1},
	{"cut/100000/350000", 350000, 0, ERR_NONE, NULL, true, 4},
	{"cut/70000/700000", 700000, 0, ERR_NONE, NULL, true, 10},
	{"smallranges/450000", 450000, 0, ERR_NONE, NULL, true, 5},
	{"unannounced/100000/300000", 300000, 0, ERR_NONE, NULL, true, 2},
	{"norange/300000", 300000, 100000, ERR_NONE, NULL, false, -1},
	{"cut-norange/200000/300000", 300000, 0, ERR_NONE, NULL, false, 2},
	{"changed/100000/300000", 300000, 0, ERR_NONE, NULL, false, 2},
	{"liar-if-range/100000/300000", 300000, 0, ERR_NONE, NULL, false, 3},
	{"weak/100000/300000", 300000, 0, ERR_NONE, NULL, true, 2},
	{"always416/300000", 300000, 100000, ERR_NONE, NULL, false, 2},
	{"badrange/300000", 300000, 100000, ERR_NONE, NULL, false, 2},
	{"longer/300000", 300000, 100000, ERR_VERIFY, "server has 300010 bytes, expected 300000",
	 false, -1},

	/* refused for a while */
	{"flaky/503/2/none/300000", 300000, 0, ERR_NONE, NULL, false, 3},
	{"flaky/500/1/none/300000", 300000, 100000, ERR_NONE, NULL, true, 2},
	{"flaky/429/1/1/300000", 300000, 0, ERR_NONE, NULL, false, 2},
	{"flaky/429/1/date+1/300000", 300000, 0, ERR_NONE, NULL, false, 2},
	{"flaky/408/1/0/300000", 300000, 0, ERR_NONE, NULL, false, 2},
	{"flaky-cut/2/300000", 300000, 0, ERR_NONE, NULL, false, 3},

	/* refused for good */
	{"flaky/503/9/none/10", 10, 0, ERR_NETWORK, "status 503, service unavail", false, 4},
	{"flaky/429/9/100/10", 10, 0, ERR_NETWORK, "status 429, too many requests", false, 1},
	/* On a kept connection libcurl tries once more by itself. */
	{"flaky-cut/9/10", 10, 0, ERR_NETWORK, "Empty reply", false, -1},
	{"status/404", 10, 0, ERR_NOT_FOUND, "status/404': status 404, not found", false, 1},
	{"status/410", 10, 0, ERR_NOT_FOUND, "status 410, gone", false, 1},
	{"status/403", 10, 0, ERR_DENIED, "status 403, forbidden", false, 1},
	{"status/401", 10, 0, ERR_DENIED, "status 401, unauthorized", false, 1},
	{"status/204", 0, 0, ERR_REMOTE, "status 204 without content", false, 1},
	{"status/416", 10, 0, ERR_REMOTE, "status 416", false, 1},
	{"garbage/1", 1, 0, ERR_REMOTE, "garbage/1': ", false, -1}, /* then libcurl's words */
	{"manyheaders/1", 1, 0, ERR_REMOTE, "too many header fields", false, -1},
	{"unasked206/300", 300, 0, ERR_REMOTE, "the server sent part of the file", false, -1},
	{"endless-refusal/404", 10, 0, ERR_REMOTE, "status 404 with an oversized", false, -1},

	/* the wrong length, announced and not */
	{"longer/300", 300, 0, ERR_VERIFY, "has 310 bytes, expected 300", false, -1},
	{"shorter/300", 300, 0, ERR_VERIFY, "has 290 bytes, expected 300", false, -1},
	{"chunked/310", 300, 0, ERR_VERIFY, "sends more than the expected 300 bytes", false, -1},
	{"chunked/290", 300, 0, ERR_VERIFY, "has 290 bytes, expected 300", false, -1},
	{"understated/300", 300, 0, ERR_VERIFY, "has 290 bytes, expected 300", false, -1},
	{"overstated/300", 300, 0, ERR_NETWORK, "overstated/300'", false, 4},
	{"endless/1", 100000, 0, ERR_VERIFY, "more than the expected 100000 bytes", false, -1},
	{"plain/0", 10, 0, ERR_VERIFY, "has 0 bytes, expected 10", false, 1},

	/* redirected astray */
	{"redirect/302/6/plain/10", 10, 0, ERR_REMOTE, "more than 5 redirects", false, -1},
	{"loop/1", 10, 0, ERR_REMOTE, "more than 5 redirects", false, 6},
	{"to/302/file/x", 10, 0, ERR_REMOTE, "scheme 'file' is not allowed", false, -1},
	{"to/302/ftp/x", 10, 0, ERR_REMOTE, "scheme 'ftp' is not allowed", false, -1},
	{"to/302/user/x", 10, 0, ERR_REMOTE, "user name or password", false, -1},
	{"to/302/nowhere/x", 10, 0, ERR_REMOTE, "302 without a Location", false, -1},
	{"to/302/malformed/x", 10, 0, ERR_REMOTE, "malformed Location", false, -1},
};

/* The mode whose requests are counted: the one that gives the content. */
static char *
counted_mode(const char *path)
{
	const char *plain = strstr(path, "plain/");

	return plain != NULL ? xstrdup("plain") : xstrndup(path, strcspn(path, "/"));
}

static void
check_download(struct http_client *client, size_t number)
{
	const struct download_row *row = &download_rows[number];
	auto_free char *test = xasprintf("d%zu", number);
	auto_free char *path = xasprintf("%s/%s", test, row->path);
	auto_free char *url = bad_http_url(&server, path);
	auto_free char *mode = counted_mode(row->path);
	auto_free uint8_t *content = bad_http_content(row->size + row->present);
	auto_close int fd = open_scratch();
	struct http_request request = {.url = url, .allow = HTTP_ALLOW_FILE};
	struct http_download download = {.fd = fd,
					 .name = "scratch",
					 .max_bytes = row->size,
					 .exact = true,
					 .resume_from = row->present};
	struct http_downloaded got = {.size = 12345};
	struct digest on_disk, want = bad_http_digest(row->size);
	uint64_t size;
	struct error err = ERROR_INIT;
	int result;

	assert_ok(write_all(fd, content, row->present, "scratch", &err), err);
	result = http_download(client, &request, &download, &got, &err);
	if (row->code != ERR_NONE) {
		if (result == 0 || err.code != row->code ||
		    strstr(err.message, row->message) == NULL)
			fail_msg("'%s': result %d, code %d, '%s'", row->path, result, (int)err.code,
				 err.message);
		if (strstr(err.message, "http://127.0.0.1") == NULL)
			fail_msg("'%s': no URL in '%s'", row->path, err.message);
		assert_int_equal(got.size, 12345);
	} else {
		if (result < 0)
			fail_msg("'%s': %s", row->path, err.message);
		assert_ok(digest_fd(fd, "scratch", &on_disk, &size, &err), err);
		assert_int_equal(size, row->size);
		assert_int_equal(got.size, row->size);
		assert_true(digest_equal(&on_disk, &want));
		assert_true(digest_equal(&got.sha256, &want));
		if (got.resumed != row->resumed)
			fail_msg("'%s': resumed %d", row->path, (int)got.resumed);
	}
	if (row->hits >= 0 && hits(client, test, mode) != row->hits)
		fail_msg("'%s': %d requests, not %d", row->path, hits(client, test, mode),
			 row->hits);
}

static void
test_downloads(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(download_rows); i++)
		check_download(client, i);
}

/*
 * A server that sends nothing more is left, and asked for the rest; without that this test does not
 * end. It may happen more than once where the machine is slow.
 */
static void
test_stall(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client_that_waits(1);
	auto_free char *url = bad_http_url(&server, "st/stall/1/300000");
	auto_close int fd = open_scratch();
	struct http_request request = {.url = url};
	struct http_download download = {
		.fd = fd, .name = "scratch", .max_bytes = 300000, .exact = true};
	struct http_downloaded got;
	struct digest want = bad_http_digest(300000);
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_true(got.resumed);
	assert_true(digest_equal(&got.sha256, &want));
}

/* A wrong beginning is not noticed by ranges; the digest shows it, and `resumed` says why. */
static void
test_wrong_beginning(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_free char *url = bad_http_url(&server, "wb/plain/1000");
	auto_close int fd = open_scratch();
	struct http_request request = {.url = url};
	struct http_download download = {
		.fd = fd, .name = "scratch", .max_bytes = 1000, .exact = true, .resume_from = 5};
	struct http_downloaded got;
	struct digest want = bad_http_digest(1000);
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_all(fd, "wrong", 5, "scratch", &err), err);
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_true(got.resumed);
	assert_false(digest_equal(&got.sha256, &want));
	download.resume_from = 0;
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_false(got.resumed);
	assert_true(digest_equal(&got.sha256, &want));
}

/* With a limit instead of an exact size. */
static void
test_download_up_to(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_free char *good = bad_http_url(&server, "up/plain/1000");
	auto_free char *large = bad_http_url(&server, "up/longer/1000");
	auto_close int fd = open_scratch();
	struct http_request request = {.url = good};
	struct http_download download = {.fd = fd, .name = "scratch", .max_bytes = 1005};
	struct http_downloaded got;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_int_equal(got.size, 1000);
	request.url = large;
	assert_refused(http_download(client, &request, &download, &got, &err), err, ERR_VERIFY,
		       "has 1010 bytes, expected at most 1005");
}

static void
test_file_urls(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	char path[] = P_tmpdir "/test_http.XXXXXX";
	auto_close int source = mkostemp(path, O_CLOEXEC);
	auto_close int fd = open_scratch();
	auto_free uint8_t *content = bad_http_content(200000);
	auto_free char *url = xasprintf("file://%s", path);
	struct http_request request = {.url = url, .allow = HTTP_ALLOW_FILE};
	struct http_download download = {
		.fd = fd, .name = "scratch", .max_bytes = 200000, .exact = true};
	struct http_downloaded got;
	struct digest want = bad_http_digest(200000);
	struct error err = ERROR_INIT;
	char *text = NULL;

	(void)state;
	assert_ok(write_all(source, content, 200000, path, &err), err);
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_true(digest_equal(&got.sha256, &want));
	download.resume_from = 100000;
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_true(digest_equal(&got.sha256, &want));
	assert_false(got.resumed);
	download.max_bytes = 199999;
	assert_refused(http_download(client, &request, &download, &got, &err), err, ERR_VERIFY,
		       "200000 bytes, expected 199999");
	assert_refused(http_get(client, url, 0, 100, &text, NULL, &err), err, ERR_INPUT,
		       "scheme 'file' is not allowed");
	assert_refused(http_get(client, url, HTTP_ALLOW_FILE, 100, &text, NULL, &err), err,
		       ERR_REMOTE, "larger than 100 bytes");
	assert_int_equal(unlink(path), 0);
	assert_refused(http_get(client, url, HTTP_ALLOW_FILE, 100, &text, NULL, &err), err,
		       ERR_NOT_FOUND, path);
	assert_null(text);
}

/* In a child whose memory has the file, for whom one call of the system fails: 0 as it should be. */
static int
get_what_fails(const char *url, long call, int error)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	struct error err = ERROR_INIT;
	char *text = NULL;

	if (refuse_syscall(call, error) < 0)
		return 77;
	return http_get(client, url, HTTP_ALLOW_FILE, 300000, &text, NULL, &err) < 0 &&
			       err.code == ERR_IO
		       ? 0
		       : 1;
}

/* What cannot be opened is not absent, and what cannot be read is not shorter. */
static void
test_file_urls_of_a_bad_disk(void **state)
{
	static const struct {
		const char *label;
		long call;
		int error;
	} rows[] = {
		{"read", SYS_read, EIO},
		{"too many files", SYS_openat, EMFILE},
		{"a disk that fails", SYS_openat, EIO},
	};
	char path[] = P_tmpdir "/test_http.XXXXXX";
	auto_close int source = mkostemp(path, O_CLOEXEC);
	auto_free uint8_t *content = bad_http_content(200000);
	auto_free char *url = xasprintf("file://%s", path);
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_all(source, content, 200000, path, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = 0;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(get_what_fails(url, rows[i].call, rows[i].error));
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip_because("no system call can be refused here");
		if (status != 0)
			fail_msg("%s: status %d", rows[i].label, status);
	}
	assert_int_equal(unlink(path), 0);
}

static void
test_disk_full(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_free char *url = bad_http_url(&server, "full/plain/300000");
	auto_close int fd = open_scratch();
	struct http_request request = {.url = url};
	struct http_download download = {
		.fd = fd, .name = "the-file", .max_bytes = 300000, .exact = true};
	struct http_downloaded got;
	struct rlimit saved, small;
	struct stat st;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	small = saved;
	small.rlim_cur = 100000;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_refused(http_download(client, &request, &download, &got, &err), err, ERR_IO,
		       "cannot write 'the-file': File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	/* What fitted is good, and is gone on with. */
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 100000);
	download.resume_from = (uint64_t)st.st_size;
	assert_ok(http_download(client, &request, &download, &got, &err), err);
	assert_true(got.resumed);
	assert_int_equal(got.received, 200000);
}

/* Requests. */

static void
test_get(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_free uint8_t *content = bad_http_content(5000);
	static const struct {
		const char *path;
		enum error_code code;
		const char *message;
	} rows[] = {
		{"g1/plain/5000", ERR_NONE, NULL},
		{"g2/chunked/5000", ERR_NONE, NULL},
		{"g3/flaky/503/2/none/5000", ERR_NONE, NULL},
		{"g4/flaky/403/1/0/5000", ERR_NONE, NULL}, /* GitHub's rate limit */
		/* What a redirect says to people is not a part of what it leads to. */
		{"g10/redirect/302/5/plain/5000", ERR_NONE, NULL},
		{"g11/page/301/30/plain/5000", ERR_NONE, NULL},
		{"g12/page/302/1/chunked/5000", ERR_NONE, NULL},
		{"g13/page/303/6000/plain/5000", ERR_NONE, NULL},
		{"g14/page/307/1000000/plain/5000", ERR_NONE, NULL},
		{"g15/page/308/30/page/302/30/plain/5000", ERR_NONE, NULL},
		{"g16/flaky/503/1/none/5000", ERR_NONE, NULL},
		{"g17/to/302/other/plain/5000", ERR_NONE, NULL},
		{"g18/page/302/endless/plain/5000", ERR_REMOTE,
		 "status 302 with an oversized error body"},
		{"g5/flaky/403/1/none/5000", ERR_DENIED, "status 403, forbidden"},
		{"g6/plain/5001", ERR_REMOTE, "the response is larger than 5000 bytes"},
		{"g7/endless/1", ERR_REMOTE, "the response is larger than 5000 bytes"},
		{"g8/overstated/5000", ERR_NETWORK, "g8/overstated/5000'"},
		{"g9/nosuchmode/1", ERR_NOT_FOUND, "g9/nosuchmode/1': status 404"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *url = bad_http_url(&server, rows[i].path);
		auto_free char *text = NULL;
		size_t length = 1;
		struct error err = ERROR_INIT;
		int result = http_get(client, url, 0, 5000, &text, &length, &err);

		if (rows[i].code != ERR_NONE) {
			assert_refused(result, err, rows[i].code, rows[i].message);
			assert_null(text);
			continue;
		}
		assert_ok(result, err);
		assert_int_equal(length, 5000);
		assert_memory_equal(text, content, 5000);
	}
}

static void
test_nobody_listens(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	struct error err = ERROR_INIT;
	char *text = NULL;

	(void)state;
	/* Port 1 (tcpmux) needs root to listen and is not used. */
	assert_refused(
		http_get(client, "http://127.0.0.1:1/x?token=s3cret", 0, 100, &text, NULL, &err),
		err, ERR_NETWORK, "'http://127.0.0.1:1/x?token=***': Failed to connect");
	assert_non_null(strstr(notices, "trying again in 0.0 s (2 of 4)"));
	assert_non_null(strstr(notices, "(4 of 4)"));
	assert_null(strstr(notices, "s3cret"));
}

/* `text` with the first `what` replaced, to be freed. */
static char *
replace(const char *text, const char *what, const char *by)
{
	const char *at = strstr(text, what);

	if (at == NULL)
		return xstrdup(text);
	return xasprintf("%.*s%s%s", (int)(at - text), text, by, at + strlen(what));
}

/* Sends a request and compares the status. Whatever was asked, the body is what its head says. */
static void
ask(struct http_client *client, const struct http_request *request, int status,
    struct http_response *response)
{
	struct error err = ERROR_INIT;
	const char *announced;
	uint64_t length = 0;

	assert_ok(http_request(client, request, response, &err), err);
	announced = http_response_header(response, "Content-Length");
	if (announced != NULL && (request->method == NULL || strcmp(request->method, "HEAD") != 0))
		assert_true(parse_uint(announced, UINT64_MAX, &length) &&
			    length == response->length);
	if (response->status != status)
		fail_msg("'%s': status %d, not %d", request->url, response->status, status);
}

static bool
says(const struct http_response *response, const char *text)
{
	return strstr(response->body, text) != NULL;
}

static const char *const secret_headers[] = {"X-Private-Token: t0ken-two", "Accept: text/x-test",
					     NULL};

/* Credentials go to the origin they are for, over every redirect there, and nowhere else. */
static void
test_credentials_stay(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	static const struct {
		const char *path;
		bool kept;
	} rows[] = {
		{"echo", true},
		{"redirect/302/3/echo", true},
		{"to/302/main/echo", true},
		{"to/302/other/echo", false},
		{"to/307/other/echo", false},
		{"to/302/tls/echo", false},
		{"to/302/other/to/302/main/echo", false}, /* back again */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *path = xasprintf("cred/%s", rows[i].path);
		auto_free char *url = bad_http_url(&server, path);
		struct http_request request = {
			.url = url, .authorization = "Bearer t0ken-one", .headers = secret_headers};

		ask(client, &request, 200, &response);
		assert_int_equal(says(&response, "t0ken-one"), rows[i].kept);
		assert_int_equal(says(&response, "t0ken-two"), rows[i].kept);
		assert_true(says(&response, "text/x-test"));
		assert_true(says(&response, "test/1"));
		assert_true(text_starts_with(response.body, "{\"count\": "));
	}
}

/* A secret in a body stays too: a redirect to another origin is not followed with it. */
static void
test_secret_bodies_stay(void **state)
{
	static const struct {
		const char *path;
		bool followed;
	} rows[] = {
		{"redirect/307/3/echo", true},
		{"to/308/main/echo", true},
		{"to/307/other/echo", false},
		{"to/308/tls/echo", false},
		{"to/307/main/to/307/other/echo", false},
	};
	AUTO(http_client_freep) struct http_client *client = make_client();
	const struct http_body body = {.bytes = "refresh_token=t0ken", .size = 19};
	int echoes = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *path = xasprintf("body-stays/%s", rows[i].path);
		auto_free char *url = bad_http_url(&server, path);
		struct http_request request = {
			.method = "POST", .url = url, .body = &body, .stay = true};
		struct error err = ERROR_INIT;

		if (rows[i].followed) {
			ask(client, &request, 200, &response);
			assert_true(says(&response, "\"length\": 19"));
			echoes++;
		} else {
			assert_refused(http_request(client, &request, &response, &err), err,
				       ERR_REMOTE, "refusing to follow a redirect from '");
			assert_null(strstr(err.message, "t0ken"));
		}
		assert_int_equal(hits(client, "body-stays", "echo"), echoes);
	}
}

static void
test_https(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	AUTO(http_client_freep) struct http_client *stranger = NULL;
	const struct http_options options = {.tries = 3, .first_wait_ms = 1};
	auto_free char *good = xasprintf("https://127.0.0.1:%d/s/plain/10", server.tls_port);
	auto_free char *down =
		xasprintf("https://127.0.0.1:%d/s/to/302/main/plain/10", server.tls_port);
	auto_free char *side =
		xasprintf("https://127.0.0.1:%d/s/to/302/tls/plain/10", server.tls_port);
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(http_get(client, good, 0, 100, &text, NULL, &err), err);
	free(TAKE(text));
	assert_ok(http_get(client, side, 0, 100, &text, NULL, &err), err);
	free(TAKE(text));
	assert_refused(http_get(client, down, HTTP_ALLOW_PLAIN, 100, &text, NULL, &err), err,
		       ERR_REMOTE, "redirects from https to 'http://127.0.0.1");
	assert_null(text);
	assert_ok(http_client_new(&options, &stranger, &err), err);
	assert_refused(http_get(stranger, good, 0, 100, &text, NULL, &err), err, ERR_VERIFY,
		       "certificate");
}

static void
test_ssl_cert_file(void **state)
{
	AUTO(http_client_freep) struct http_client *client = NULL;
	const struct http_options missing = {.ca_file = "/nonexistent/ca.pem"};
	auto_free char *url = xasprintf("https://127.0.0.1:%d/s/plain/10", server.tls_port);
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(http_client_new(&missing, &client, &err), err, ERR_IO,
		       "'/nonexistent/ca.pem'");
	assert_null(client);
	assert_int_equal(setenv("SSL_CERT_FILE", server.ca_file, 1), 0);
	assert_ok(http_client_new(NULL, &client, &err), err);
	assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
	assert_ok(http_get(client, url, 0, 100, &text, NULL, &err), err);
}

/* A proxy of the environment is used, but not for this machine. */
static void
test_proxy(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_free char *proxy = xasprintf("http://127.0.0.1:%d", server.port);
	auto_free char *local = bad_http_url(&server, "p/echo");
	AUTO(http_response_clear) struct http_response direct = HTTP_RESPONSE_INIT;
	AUTO(http_response_clear) struct http_response through = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = local, .allow = HTTP_ALLOW_PLAIN};

	(void)state;
	assert_int_equal(setenv("http_proxy", proxy, 1), 0);
	ask(client, &request, 200, &direct);
	assert_true(says(&direct, "\"target\": \"/p/echo\""));
	request.url = "http://example.invalid/p/echo";
	request.retry = HTTP_RETRY_NEVER;
	ask(client, &request, 200, &through);
	assert_true(says(&through, "\"target\": \"http://example.invalid/p/echo\""));
	assert_int_equal(unsetenv("http_proxy"), 0);
}

/*
 * A server elsewhere leads to names and addresses of this machine. What is elsewhere is played by
 * the proxy, which is on this machine and may be: the user has named it.
 */
static void
test_led_to_this_machine(void **state)
{
	static const struct {
		const char *url;
		enum http_place named_by;
		const char *refusal; /* NULL: the answer is that of "echo" */
	} rows[] = {
		{"http://mirror.example/in/to/302/elsewhere/echo", HTTP_PLACE_ANY, NULL},
		{"http://mirror.example/in/to/302/inside/echo", HTTP_PLACE_ANY,
		 "is at this machine itself ("},
		{"http://mirror.example/in/to/307/elsewhere/to/302/inside/echo", HTTP_PLACE_ANY,
		 "is at this machine itself"},
		{"http://mirror.example/in/to/302/zero/echo", HTTP_PLACE_ANY,
		 "redirects to this machine itself"},
		{"http://mirror.example/in/to/302/mapped/echo", HTTP_PLACE_ANY,
		 "redirects to this machine itself"},
		/* Who names it himself may, and so may a server of this machine. */
		{"http://inside.localhost:%d/in/echo", HTTP_PLACE_ANY, NULL},
		{"http://inside.localhost:%d/in/to/302/main/echo", HTTP_PLACE_ANY, NULL},
		{"http://127.0.0.1:%d/in/to/302/inside/echo", HTTP_PLACE_ANY, NULL},
		{"http://inside.localhost:%d/in/echo", HTTP_PLACE_HERE, NULL},
		{"http://inside.localhost:%d/in/echo", HTTP_PLACE_LINK, "is at this machine"},
		{"http://127.0.0.1:%d/in/echo", HTTP_PLACE_PUBLIC, "is at this machine"},
		/* The connection that is kept from before is none to use now. */
		{"http://mirror.example/in/to/302/inside/echo", HTTP_PLACE_ANY,
		 "is at this machine itself ("},
	};
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_free char *proxy = xasprintf("http://127.0.0.1:%d", server.other_port);
	int echoes = 0;

	(void)state;
	assert_int_equal(setenv("http_proxy", proxy, 1), 0);
	assert_int_equal(setenv("no_proxy", ".localhost", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *port = xasprintf("%d", server.port);
		auto_free char *url = replace(rows[i].url, "%d", port);
		struct http_request request = {
			.url = url, .allow = HTTP_ALLOW_PLAIN, .named_by = rows[i].named_by};
		struct error err = ERROR_INIT;

		if (rows[i].refusal == NULL) {
			ask(client, &request, 200, &response);
			assert_true(says(&response, "\"target\""));
			echoes++;
		} else {
			if (http_request(client, &request, &response, &err) == 0)
				fail_msg("row %zu: %s", i, response.body);
			assert_refused(-1, err, ERR_REMOTE, rows[i].refusal);
		}
		assert_int_equal(hits(client, "in", "echo"), echoes);
	}
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("no_proxy"), 0);
}

/* A name that has no address is not asked for as often as a server that is busy. */
static void
test_no_such_host(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	auto_close int fd = open_scratch();
	struct http_request request = {.url = "https://no-such-host.invalid/x"};
	struct http_download download = {.fd = fd, .name = "scratch", .max_bytes = 10};
	struct http_downloaded got;
	struct error err = ERROR_INIT;
	char *text = NULL;

	(void)state;
	assert_refused(http_get(client, request.url, 0, 100, &text, NULL, &err), err, ERR_NETWORK,
		       "no-such-host.invalid");
	assert_non_null(strstr(notices, "(3 of 3)"));
	assert_null(strstr(notices, "of 4)"));
	notices[0] = '\0';
	/* In all, whoever asks: from then on it fails at once, by the same sentence. */
	assert_refused(
		http_get(client, "https://No-Such-Host.invalid:8/y", 0, 100, &text, NULL, &err),
		err, ERR_NETWORK,
		"'https://No-Such-Host.invalid:8/y': Could not resolve host: "
		"no-such-host.invalid");
	assert_refused(http_download(client, &request, &download, &got, &err), err, ERR_NETWORK,
		       "'https://no-such-host.invalid/x': Could not resolve host: "
		       "no-such-host.invalid");
	assert_string_equal(notices, "");
	/* Another name has tries of its own. */
	request.url = "https://neither.invalid/x";
	assert_refused(http_download(client, &request, &download, &got, &err), err, ERR_NETWORK,
		       "neither.invalid");
	assert_non_null(strstr(notices, "(3 of 3)"));
	assert_null(strstr(notices, "of 4)"));
}

/* What a client remembers of names: a few tries for each, until it answers; a bounded number. */
static void
test_names(void **state)
{
	struct http_names names = {.next = 0};
	auto_free char *why = NULL, *other = NULL, *again = NULL, *oldest = NULL, *newest = NULL;

	(void)state;
	http_names_init(&names);
	assert_int_equal(http_names_failed(&names, "https://a.invalid/x", "why"), 2);
	assert_int_equal(http_names_failed(&names, "http://A.invalid:80/y", "why else"), 1);
	other = http_names_refusal(&names, "https://a.invalid/x");
	assert_null(other);
	assert_int_equal(http_names_failed(&names, "https://a.invalid/z", "why else"), 0);
	assert_int_equal(http_names_failed(&names, "https://a.invalid/z", "why else"), 0);
	why = http_names_refusal(&names, "https://a.invalid:444/q");
	assert_string_equal(why, "why");
	other = http_names_refusal(&names, "https://b.invalid/x");
	assert_null(other);
	http_names_answered(&names, "https://b.invalid/x");
	http_names_answered(&names, "https://a.invalid/");
	again = http_names_refusal(&names, "https://a.invalid/x");
	assert_null(again);
	for (int i = 0; i <= HTTP_NAMES_MAX; i++) {
		auto_free char *url = xasprintf("https://n%d.invalid/", i);

		for (int k = 0; k < 3; k++)
			assert_int_equal(http_names_failed(&names, url, url), 2 - k);
	}
	oldest = http_names_refusal(&names, "https://n0.invalid/");
	assert_null(oldest);
	newest = http_names_refusal(&names, "https://n16.invalid/");
	assert_string_equal(newest, "https://n16.invalid/");
	http_names_clear(&names);
}

/* What refuses once and not the next time, by the kind of request. */
static void
test_again(void **state)
{
	static const struct {
		enum http_again kind;
		int refusal, times, status, hits;
	} rows[] = {
		{HTTP_AGAIN_ANY, 403, 1, 403, 1},     {HTTP_AGAIN_ANY, 401, 1, 401, 1},
		{HTTP_AGAIN_ANY, 404, 1, 404, 1},     {HTTP_AGAIN_ALLOWED, 403, 3, 200, 4},
		{HTTP_AGAIN_ALLOWED, 403, 4, 403, 4}, {HTTP_AGAIN_ALLOWED, 401, 1, 401, 1},
		{HTTP_AGAIN_ALLOWED, 404, 1, 404, 1}, {HTTP_AGAIN_LOGIN, 401, 1, 200, 2},
		{HTTP_AGAIN_LOGIN, 401, 2, 401, 2},   {HTTP_AGAIN_LOGIN, 403, 3, 200, 4},
		{HTTP_AGAIN_TOKEN, 403, 2, 200, 3},   {HTTP_AGAIN_TOKEN, 403, 3, 403, 3},
		{HTTP_AGAIN_TOKEN, 401, 1, 401, 1},   {HTTP_AGAIN_WRITTEN, 404, 3, 200, 4},
		{HTTP_AGAIN_WRITTEN, 404, 4, 404, 4}, {HTTP_AGAIN_WRITTEN, 403, 1, 403, 1},
	};
	AUTO(http_client_freep) struct http_client *client = make_client();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *test = xasprintf("again%zu", i);
		auto_free char *path =
			xasprintf("%s/flaky/%d/%d/none/10", test, rows[i].refusal, rows[i].times);
		auto_free char *url = bad_http_url(&server, path);
		/* A server that refuses has done nothing: a POST may be sent again as well. */
		struct http_request request = {
			.url = url, .again = rows[i].kind, .method = i % 2 == 0 ? "GET" : "POST"};

		ask(client, &request, rows[i].status, &response);
		if (hits(client, test, "flaky") != rows[i].hits)
			fail_msg("row %zu: %d requests", i, hits(client, test, "flaky"));
	}
}

/* The head of a GET, of a file that would be too long, and what refuses HEAD alone. */
static void
test_head_only(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *large = bad_http_url(&server, "ho/to/302/other/plain/50000000");
	auto_free char *refused = bad_http_url(&server, "ho/status/403");
	struct http_request request = {.url = large, .head_only = true, .max_response_bytes = 100};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(http_request(client, &request, &response, &err), err);
	assert_int_equal(response.status, 200);
	assert_int_equal(response.length, 0);
	assert_string_equal(response.body, "");
	assert_string_equal(http_response_header(&response, "Content-Length"), "50000000");
	assert_int_equal(err.code, ERR_NONE);
	request.url = refused;
	ask(client, &request, 403, &response);
	assert_string_equal(response.body, "an explanation\n");
	for (int status = 100; status < 600; status++) {
		const struct http_response answer = {.status = status};

		assert_int_equal(http_head_is_refused(&answer),
				 status == 403 || status == 405 || status == 501);
	}
}

static void
test_sends_bodies(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	enum { SIZE = 3000000, FROM = 1000, PART = 2500000 };
	auto_free uint8_t *content = bad_http_content(SIZE);
	auto_close int fd = open_scratch();
	struct http_body whole = {.bytes = content, .size = SIZE};
	struct http_body part = {.fd = fd, .offset = FROM, .size = PART};
	char whole_hex[DIGEST_HEX_SIZE], part_hex[DIGEST_HEX_SIZE];
	struct digest digest;
	struct error err = ERROR_INIT;
	static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
	static const char *const methods[] = {"PUT", "POST", "PATCH"};
	/* The 307 makes the body be read a second time. */
	static const char *const paths[] = {"echo", "to/307/other/echo", "to/308/main/echo"};

	(void)state;
	digest_of(content, SIZE, &digest);
	(void)digest_hex(&digest, whole_hex);
	digest_of(content + FROM, PART, &digest);
	(void)digest_hex(&digest, part_hex);
	assert_ok(write_all(fd, content, SIZE, "scratch", &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(methods) * ARRAY_SIZE(paths); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *path = xasprintf("body/%s", paths[i / 3]);
		auto_free char *url = bad_http_url(&server, path);
		auto_free char *method = xasprintf("\"method\": \"%s\"", methods[i % 3]);
		struct http_request request = {
			.method = methods[i % 3], .url = url, .headers = headers, .body = &whole};

		ask(client, &request, 200, &response);
		assert_true(says(&response, whole_hex) && says(&response, method));
		assert_true(says(&response, "application/octet-stream"));
		assert_false(says(&response, "100-continue"));
		assert_string_equal(http_response_header(&response, "x-echo"), "yes");
		request.body = &part;
		ask(client, &request, 200, &response);
		assert_true(says(&response, part_hex) && says(&response, "2500000"));
	}
}

static void
test_empty_bodies(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	static const struct {
		const char *method;
		bool announced;
	} rows[] = {
		{"POST", true}, {"PUT", true}, {"PATCH", true}, {"DELETE", false}, {"GET", false}};
	auto_free char *url = bad_http_url(&server, "empty/echo");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		struct http_request request = {.method = rows[i].method, .url = url};

		ask(client, &request, 200, &response);
		assert_true(says(&response, rows[i].method));
		assert_int_equal(says(&response, "[\"content-length\", \"0\"]"), rows[i].announced);
	}
}

static void
test_head(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *url = bad_http_url(&server, "h/redirect/302/2/plain/5000");
	struct http_request request = {.method = "HEAD", .url = url};

	(void)state;
	ask(client, &request, 200, &response);
	assert_string_equal(http_response_header(&response, "Content-Length"), "5000");
	assert_int_equal(response.length, 0);
	assert_string_equal(response.body, "");
	assert_true(text_ends_with(response.url, "/h/plain/5000"));
}

/* Only what cannot have done anything is sent again. */
static void
test_retries_by_method(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	static const struct {
		const char *method;
		enum http_retry retry;
		const char *mode;
		const char *path;
		int status; /* 0: no answer */
		int hits;
	} rows[] = {
		{"GET", HTTP_RETRY_SAFE, "flaky", "503/2/none/10", 200, 3},
		{"HEAD", HTTP_RETRY_SAFE, "flaky", "503/2/none/10", 200, 3},
		{"GET", HTTP_RETRY_NEVER, "flaky", "503/2/none/10", 503, 1},
		{"POST", HTTP_RETRY_SAFE, "flaky", "503/2/none/10", 503, 1},
		{"PUT", HTTP_RETRY_SAFE, "flaky", "500/2/none/10", 500, 1},
		{"POST", HTTP_RETRY_SAFE, "flaky", "429/2/0/10", 200, 3},
		{"PUT", HTTP_RETRY_ALWAYS, "flaky", "503/2/none/10", 200, 3},
		{"DELETE", HTTP_RETRY_ALWAYS, "flaky", "502/2/none/10", 200, 3},
		{"GET", HTTP_RETRY_SAFE, "flaky", "504/9/none/10", 504, 4},
		{"GET", HTTP_RETRY_SAFE, "flaky-cut", "2/10", 200, 3},
		{"POST", HTTP_RETRY_SAFE, "flaky-cut", "2/10", 0, 1},
		{"POST", HTTP_RETRY_ALWAYS, "flaky-cut", "2/10", 200, 3},
		{"GET", HTTP_RETRY_SAFE, "status", "401", 401, 1},
		{"GET", HTTP_RETRY_SAFE, "status", "404", 404, 1},
		{"GET", HTTP_RETRY_SAFE, "status", "501", 501, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *test = xasprintf("m%zu", i);
		auto_free char *path = xasprintf("%s/%s/%s", test, rows[i].mode, rows[i].path);
		auto_free char *url = bad_http_url(&server, path);
		struct http_request request = {
			.method = rows[i].method, .url = url, .retry = rows[i].retry};
		struct error err = ERROR_INIT;

		if (rows[i].status != 0)
			ask(client, &request, rows[i].status, &response);
		else
			assert_refused(http_request(client, &request, &response, &err), err,
				       ERR_NETWORK, path);
		if (hits(client, test, rows[i].mode) != rows[i].hits)
			fail_msg("%s %s: %d requests", rows[i].method, path,
				 hits(client, test, rows[i].mode));
	}
}

/* A refused write keeps its explanation, and 301 to 303 of a POST come back as they are. */
static void
test_answers_of_writes(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *refused = bad_http_url(&server, "w/status/422");
	auto_free char *moved = bad_http_url(&server, "w/redirect/303/1/echo");
	struct http_request request = {.method = "POST", .url = refused};
	struct error err = ERROR_INIT;

	(void)state;
	ask(client, &request, 422, &response);
	assert_string_equal(response.body, "an explanation\n");
	assert_refused(http_response_check(&response, &err), err, ERR_REMOTE, "status 422");
	request.url = moved;
	ask(client, &request, 303, &response);
}

static void
test_locations(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	static const struct {
		const char *kind;
		const char *path;
		bool other;
	} rows[] = {{"relative", "/loc/locations/next?state=1", false},
		    {"rooted", "/up/next", false},
		    {"absolute", "/up/next", true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		auto_free char *path = xasprintf("loc/locations/%s", rows[i].kind);
		auto_free char *url = bad_http_url(&server, path);
		auto_free char *want =
			xasprintf("http://127.0.0.1:%d%s",
				  rows[i].other ? server.other_port : server.port, rows[i].path);
		auto_free char *location = NULL;
		struct http_request request = {.method = "POST", .url = url};
		struct error err = ERROR_INIT;

		ask(client, &request, 202, &response);
		assert_ok(http_response_location(&response, 0, &location, &err), err);
		assert_string_equal(location, want);
	}
}

/* Where no server may send anybody, be it by a redirect or with an upload. */
static void
test_bad_locations(void **state)
{
	static const struct {
		const char *url, *location, *refusal; /* NULL: none */
		unsigned int allow;
	} rows[] = {
		{"https://r.example/u?state=s3cret", "/next", NULL, 0},
		{"https://r.example/u", "https://s.example/next", NULL, 0},
		{"http://r.example/u", "http://s.example/next", NULL, HTTP_ALLOW_PLAIN},
		{"http://127.0.0.1:1/u", "http://127.0.0.2:2/next", NULL, 0},
		{"https://r.example/u?state=s3cret", NULL, "u?state=***': status 202 without a Loc",
		 0},
		{"https://r.example/u", "http://s.example/next", "plain http is not allowed", 0},
		{"https://r.example/u", "http://s.example/next",
		 "from https to 'http://s.example/next'", HTTP_ALLOW_PLAIN},
		{"https://r.example:5000/u", "http://R.example/next",
		 "from https to 'http://R.example/next'; the proxy in front of it must set "
		 "'X-Forwarded-Proto: https'",
		 HTTP_ALLOW_PLAIN},
		{"https://r.example/u", "http://127.0.0.1/next", "from https to 'http://127", 0},
		{"https://r.example/u", "https://localhost/next", "to this machine itself", 0},
		{"http://r.example/u", "http://[::1]:1/next",
		 "'http://r.example/u' redirects to th", HTTP_ALLOW_PLAIN},
		{"https://r.example/u", "file:///etc/passwd", "scheme 'file' is not allowed",
		 HTTP_ALLOW_FILE},
		{"https://r.example/u", "https://joe:s3cret@r.example/", "user name or password",
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(http_response_clear)
		struct http_response response = {.status = 202, .url = xstrdup(rows[i].url)};
		auto_free char *line =
			xasprintf("Location: %s", rows[i].location != NULL ? rows[i].location : "");
		auto_free char *next = NULL;
		struct error err = ERROR_INIT;
		int result;

		if (rows[i].location != NULL)
			assert_true(http_headers_add(&response.headers, line, strlen(line)));
		result = http_response_location(&response, rows[i].allow, &next, &err);
		if (rows[i].refusal == NULL) {
			assert_ok(result, err);
			continue;
		}
		assert_refused(result, err, ERR_REMOTE, rows[i].refusal);
		assert_null(strstr(err.message, "s3cret"));
		assert_null(next);
	}
}

static void
test_challenges(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *url = bad_http_url(&server, "c/challenge");
	struct http_request request = {.url = url};

	(void)state;
	ask(client, &request, 401, &response);
	assert_string_equal(http_headers_get(&response.headers, "WWW-Authenticate", 0),
			    "Basic realm=\"a\"");
	assert_string_equal(http_headers_get(&response.headers, "WWW-Authenticate", 1),
			    "Bearer realm=\"b\"");
}

static void
test_bad_requests(void **state)
{
	AUTO(http_client_freep) struct http_client *client = make_client();
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *url = bad_http_url(&server, "x/echo");
	auto_close int fd = open_scratch();
	struct http_body short_file = {.fd = fd, .size = 10};
	struct http_request broken = {.url = url, .authorization = "Bearer t0ken\nX: y"};
	struct http_request plain = {.url = "http://example.org/"};
	struct http_request cut = {.method = "PUT", .url = url, .body = &short_file};
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(http_request(client, &broken, &response, &err), err, ERR_INPUT,
		       "line break in the header field 'Authorization'");
	assert_null(strstr(err.message, "t0ken"));
	assert_refused(http_request(client, &plain, &response, &err), err, ERR_INPUT,
		       "plain http is not allowed: 'http://example.org/'");
	assert_refused(http_request(client, &cut, &response, &err), err, ERR_IO,
		       "the file to upload shrank");
	assert_null(response.body);
}

/* Several threads with one client. */

struct worker {
	pthread_t thread;
	struct http_client *client;
	size_t number;
	struct digest sha256;
	bool done;
};

static void *
work(void *context)
{
	struct worker *worker = context;
	auto_close int fd = open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	auto_free char *path = xasprintf("t%zu/cut/80000/200000", worker->number);
	auto_free char *plain = worker->number % 2 == 0 ? bad_http_url(&server, path)
							: xasprintf("https://127.0.0.1:%d/%s",
								    server.tls_port, path);
	struct http_request request = {.url = plain};
	struct http_download download = {
		.fd = fd, .name = "scratch", .max_bytes = 200000, .exact = true};
	struct http_downloaded got;
	struct error err = ERROR_INIT;

	for (int i = 0; i < 3; i++) {
		worker->done = http_download(worker->client, &request, &download, &got, &err) == 0;
		worker->sha256 = got.sha256;
	}
	return NULL;
}

static void
test_threads(void **state)
{
	enum { THREADS = 8 };
	AUTO(http_client_freep) struct http_client *client = make_client();
	struct worker workers[THREADS] = {0};
	struct digest want = bad_http_digest(200000);

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].client = client;
		workers[i].number = i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < THREADS; i++) {
		assert_true(workers[i].done);
		assert_true(digest_equal(&workers[i].sha256, &want));
	}
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_downloads),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_wrong_beginning),
		cmocka_unit_test(test_download_up_to),
		cmocka_unit_test(test_file_urls),
		cmocka_unit_test(test_file_urls_of_a_bad_disk),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_credentials_stay),
		cmocka_unit_test(test_secret_bodies_stay),
		cmocka_unit_test(test_https),
		cmocka_unit_test(test_ssl_cert_file),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_led_to_this_machine),
		cmocka_unit_test(test_no_such_host),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_head_only),
		cmocka_unit_test(test_sends_bodies),
		cmocka_unit_test(test_empty_bodies),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_retries_by_method),
		cmocka_unit_test(test_answers_of_writes),
		cmocka_unit_test(test_locations),
		cmocka_unit_test(test_bad_locations),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
