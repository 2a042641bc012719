/* SPDX-License-Identifier: MIT */
#include "base/process.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/program.h"
#include "base/progress.h"
#include "base/strbuf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	STATUS_FD = 3,
	LOCK_FD = 4,
	DEFAULT_OUTPUT = 1 << 20,
	ERRORS_KEPT = 8 << 10,
	LINE_MAX_BYTES = 4096,
	POLL_MS = 250
};

/* What a child may know of our environment: nothing in it is a secret of ours. */
static const char *const inherited[] = {
	"HOME",      "TMPDIR",   "http_proxy",    "https_proxy", "ftp_proxy",
	"all_proxy", "no_proxy", "HTTP_PROXY",    "HTTPS_PROXY", "FTP_PROXY",
	"ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE",
};

struct environment {
	char **items; /* ends with NULL */
	size_t count;
};

struct streams {
	int output, errors, status; /* our ends, -1 once they have ended */
	struct strbuf output_text, errors_text, line;
	bool line_too_long;
	bool stop;     /* no more of it is wanted */
	int failure;   /* errno of a read or a wait that failed */
	bool too_long; /* its time is over */
};

void
process_result_clear(struct process_result *result)
{
	free(result->output);
	free(result->errors);
	*result = (struct process_result)PROCESS_RESULT_INIT;
}

static void
environment_clear(struct environment *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		free(environment->items[i]);
	free(environment->items);
}

/* A variable that is there already gets the new value. */
static void
environment_add(struct environment *environment, char *item)
{
	size_t name = strcspn(item, "=");

	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->items[i], item, name + 1) == 0) {
			free(environment->items[i]);
			environment->items[i] = item;
			return;
		}
	/* The new end is zeroed. */
	environment->items =
		xgrow(environment->items, environment->count + 1, sizeof(*environment->items));
	environment->items[environment->count++] = item;
	environment->items[environment->count] = NULL;
}

static void
environment_fill(struct environment *environment, const char *const *extra)
{
	auto_free char *path = program_search_path();

	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++) {
		const char *value = getenv(inherited[i]);

		if (value != NULL)
			environment_add(environment, xasprintf("%s=%s", inherited[i], value));
	}
	/* To a program an empty one is the current directory; without one it has a default. */
	if (path[0] != '\0')
		environment_add(environment, xasprintf("PATH=%s", path));
	environment_add(environment, xstrdup("LC_ALL=C.UTF-8"));
	for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
		environment_add(environment, xstrdup(extra[i]));
}

static void
streams_clear(struct streams *streams)
{
	cleanup_closep(&streams->output);
	cleanup_closep(&streams->errors);
	cleanup_closep(&streams->status);
	strbuf_clear(&streams->output_text);
	strbuf_clear(&streams->errors_text);
	strbuf_clear(&streams->line);
}

/*
 * One pipe: our end is `*ret_read`; the child's end is moved above the descriptors that the child
 * gives a meaning to, so that the moves in the child cannot overwrite each other.
 */
static int
open_pipe(int *ret_read, int *ret_write, struct error *err)
{
	int fds[2], high;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, ERR_IO, "cannot create a pipe");
	high = fcntl(fds[1], F_DUPFD_CLOEXEC, PROCESS_EXTRA_FD + 1);
	if (high < 0) {
		error_set_errno(err, ERR_IO, "cannot create a pipe");
		(void)close(fds[0]);
		(void)close(fds[1]);
		return -1;
	}
	(void)close(fds[1]);
	*ret_read = fds[0];
	*ret_write = high;
	return 0;
}

/* A file in memory with the text: unlike a pipe it takes any length before anybody reads. */
static int
open_input(const char *text, int *ret_fd, struct error *err)
{
	auto_close int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot make a file in memory");
	if (write_all(fd, text, strlen(text), "the input of a program", err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, ERR_IO, "cannot make a file in memory");
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* The ends that the child gets, -1 for none. */
struct child_ends {
	int input, output, errors, status;
};

static void
child_ends_close(struct child_ends *ends)
{
	cleanup_closep(&ends->input);
	cleanup_closep(&ends->output);
	cleanup_closep(&ends->errors);
	cleanup_closep(&ends->status);
}

/* The child's descriptors, directory and signals. Returns an errno value. */
static int
fill_actions(posix_spawn_file_actions_t *actions, const struct process_request *request,
	     const struct child_ends *ends)
{
	int e = 0;

	assert(request->extra_fd <= 0 || request->lock_fd <= 0);
	/* The input and what came from elsewhere first, before 3, 4 and 5 become something else. */
	if (ends->input >= 0)
		e = posix_spawn_file_actions_adddup2(actions, ends->input, 0);
	else
		e = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
	if (e == 0 && request->extra_fd > 0)
		e = posix_spawn_file_actions_adddup2(actions, request->extra_fd, PROCESS_EXTRA_FD);
	if (e == 0 && request->lock_fd > 0)
		e = posix_spawn_file_actions_adddup2(actions, request->lock_fd, LOCK_FD);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(actions, ends->output, 1);
	if (e == 0 && ends->errors >= 0)
		e = posix_spawn_file_actions_adddup2(actions, ends->errors, 2);
	if (e == 0 && ends->status >= 0)
		e = posix_spawn_file_actions_adddup2(actions, ends->status, STATUS_FD);
	if (e == 0 && request->directory != NULL)
		e = posix_spawn_file_actions_addchdir_np(actions, request->directory);
	return e;
}

static int
spawn(const struct process_request *request, char *const *environment,
      const struct child_ends *ends, pid_t *ret_pid, struct error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	auto_free char *program = NULL;
	sigset_t none, all;
	int e;

	if (program_find(request->argv[0], &program, err) < 0)
		return -1;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	(void)posix_spawnattr_setflags(&attributes,
				       (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					       (request->terminal ? 0 : POSIX_SPAWN_SETPGROUP)));
	e = fill_actions(&actions, request, ends);
	/* posix_spawn() does not change the strings; its type is older than const. */
	if (e == 0)
		e = posix_spawn(ret_pid, program, &actions, &attributes,
				(char *const *)(uintptr_t)request->argv, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	if (e == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "program '%s' not found", request->argv[0]);
	if (e != 0)
		return error_set(err, ERR_IO, "cannot run '%s': %s", request->argv[0], strerror(e));
	return 0;
}

static void
take_status(struct streams *streams, const struct process_request *request, const char *bytes,
	    size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n') {
			if (streams->line.length < LINE_MAX_BYTES)
				strbuf_add(&streams->line, &bytes[i], 1);
			else
				streams->line_too_long = true;
			continue;
		}
		if (!streams->line_too_long &&
		    !request->status_line(request->context, strbuf_text(&streams->line)))
			streams->stop = true;
		strbuf_clear(&streams->line);
		streams->line_too_long = false;
	}
}

/* Keeps the end: the last lines are the ones that say why. */
static void
take_errors(struct streams *streams, const char *bytes, size_t length)
{
	strbuf_add(&streams->errors_text, bytes, length);
	if (streams->errors_text.length > (size_t)2 * ERRORS_KEPT) {
		struct strbuf tail = STRBUF_INIT;

		strbuf_add(&tail,
			   streams->errors_text.text + streams->errors_text.length - ERRORS_KEPT,
			   ERRORS_KEPT);
		strbuf_clear(&streams->errors_text);
		streams->errors_text = tail;
	}
}

/* Reads once from the stream behind `fd`, which is closed at its end or when it cannot be read. */
static void
pump(struct streams *streams, const struct process_request *request, int *fd)
{
	char bytes[16384];
	ssize_t n = read(*fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		streams->failure = errno;
		streams->stop = true;
	}
	if (n <= 0)
		cleanup_closep(fd);
	else if (fd == &streams->output)
		strbuf_add(&streams->output_text, bytes, (size_t)n);
	else if (fd == &streams->errors)
		take_errors(streams, bytes, (size_t)n);
	else
		take_status(streams, request, bytes, (size_t)n);
	explicit_bzero(bytes, sizeof(bytes)); /* a helper's answer is a secret */
}

/* Until the program has closed all it writes to; told to stop, it is told to stop as well. */
static void
pump_all(struct streams *streams, const struct process_request *request, pid_t pid)
{
	/* Its group: the transfers of apt are done by children of its own. */
	pid_t target = request->terminal ? pid : -pid;
	bool told = false;
	double started = monotonic_sec();
	int *fds[3] = {&streams->output, &streams->errors, &streams->status};

	while (streams->output >= 0 || streams->errors >= 0 || streams->status >= 0) {
		struct pollfd polled[3];
		int ready;

		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			polled[i] = (struct pollfd){.fd = *fds[i], .events = POLLIN};
		if (!told && (streams->stop || interrupt_pending())) {
			(void)kill(target, SIGTERM);
			told = true;
		}
		if (request->timeout_ms != 0 && !streams->too_long &&
		    (monotonic_sec() - started) * 1000 > request->timeout_ms) {
			(void)kill(target, SIGKILL);
			streams->too_long = true;
		}
		ready = poll(polled, ARRAY_SIZE(polled), POLL_MS);
		/* Nothing can be read any more, and nobody would end it. */
		if (ready < 0 && errno != EINTR) {
			streams->failure = errno;
			(void)kill(target, SIGKILL);
			return;
		}
		if (ready <= 0)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			if (*fds[i] >= 0 && polled[i].revents != 0)
				pump(streams, request, fds[i]);
	}
}

static int
wait_for(pid_t pid, int *ret_status, struct error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, ERR_IO, "cannot wait for a child process");
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static int
run_piped(const struct process_request *request, char *const *environment, struct streams *streams,
	  int *ret_status, struct error *err)
{
	struct child_ends ends = {-1, -1, -1, -1};
	pid_t pid = -1;
	int r = 0;

	if (request->input != NULL)
		r = open_input(request->input, &ends.input, err);
	if (r == 0)
		r = open_pipe(&streams->output, &ends.output, err);
	if (r == 0 && !request->own_errors)
		r = open_pipe(&streams->errors, &ends.errors, err);
	if (r == 0 && request->status_line != NULL)
		r = open_pipe(&streams->status, &ends.status, err);
	if (r == 0)
		r = spawn(request, environment, &ends, &pid, err);
	child_ends_close(&ends);
	if (r < 0)
		return -1;
	pump_all(streams, request, pid);
	if (wait_for(pid, ret_status, err) < 0)
		return -1;
	return interrupt_check(err);
}

int
process_run(const struct process_request *request, struct process_result *ret_result,
	    struct error *err)
{
	AUTO(environment_clear) struct environment environment = {NULL, 0};
	AUTO(streams_clear)
	struct streams streams = {.output = -1, .errors = -1, .status = -1};
	int status = 0;

	streams.output_text.max_length =
		request->max_output != 0 ? request->max_output : (size_t)DEFAULT_OUTPUT;
	environment_fill(&environment, request->environment);
	if (run_piped(request, environment.items, &streams, &status, err) < 0)
		return -1;
	if (streams.too_long)
		return error_set(err, ERR_IO, "'%s' timed out after %u ms", request->argv[0],
				 request->timeout_ms);
	if (streams.failure != 0) {
		errno = streams.failure;
		return error_set_errno(err, ERR_IO, "cannot read the output of '%s'",
				       request->argv[0]);
	}
	if (streams.output_text.overflow)
		return error_set(err, ERR_INPUT, "'%s' wrote more than %zu bytes", request->argv[0],
				 streams.output_text.max_length);
	ret_result->status = status;
	ret_result->length = streams.output_text.length;
	ret_result->output = strbuf_take(&streams.output_text);
	ret_result->errors = strbuf_take(&streams.errors_text);
	return 0;
}
