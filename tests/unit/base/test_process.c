/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/process.h"
#include "base/program.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/strbuf.h"

#include "tests/support/refuse.h"
#include "tests/support/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
output_errors_and_status_come_back(void **state)
{
	static const char *const argv[] = {"sh", "-c", "printf 'a b'; echo why >&2; exit 7", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(process_run(&request, &result, &err), err);
	assert_int_equal(result.status, 7);
	assert_string_equal(result.output, "a b");
	assert_int_equal(result.length, 3);
	assert_string_equal(result.errors, "why\n");
}

/* What others have put into the current directory is not run, whatever PATH says. */
static void
programs_are_absolute(void **state)
{
	static const char *const paths[] = {"", ".", ":", "here", "./here::/nonexistent"};
	static const struct {
		const char *name;
		enum error_code code;
		const char *text;
	} rows[] = {
		{"mine", ERR_NOT_FOUND, "program 'mine' not found"},
		{"./mine", ERR_INPUT, "program path './mine' is not absolute"},
		{"here/mine", ERR_INPUT, "program path 'here/mine' is not absolute"},
		{"", ERR_INPUT, "program path '' is not absolute"},
	};
	auto_free char *before = xstrdup(getenv("PATH"));
	auto_free char *old = realpath(".", NULL);
	auto_free char *longer = NULL;
	auto_free char *found = NULL;
	char directory[] = "/tmp/test_process.XXXXXX";
	struct error err = ERROR_INIT;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(mkdir("here", 0755), 0);
	assert_ok(write_file("mine", "#!/bin/sh\n>ran\n", 16, 0755, &err), err);
	assert_ok(write_file("here/mine", "#!/bin/sh\n>ran\n", 16, 0755, &err), err);
	assert_ok(write_file("here/sh", "not executable", 14, 0644, &err), err);
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
		const char *const shell[] = {"/bin/sh", "-c", "mine", NULL};
		AUTO(process_result_clear) struct process_result shown = PROCESS_RESULT_INIT;
		struct process_request by_shell = {.argv = shell};

		assert_int_equal(setenv("PATH", paths[p], 1), 0);
		/* Nor does a program that we run find it. */
		assert_ok(process_run(&by_shell, &shown, &err), err);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			const char *const argv[] = {rows[i].name, NULL};
			AUTO(process_result_clear)
			struct process_result result = PROCESS_RESULT_INIT;
			struct process_request request = {.argv = argv};

			assert_refused(process_run(&request, &result, &err), err, rows[i].code,
				       rows[i].text);
		}
	}
	assert_int_equal(access("ran", F_OK), -1);
	/* The directory here, by its absolute path, and a file in it that cannot be run. */
	longer = xasprintf(".:%s/here:/bin", directory);
	assert_int_equal(setenv("PATH", longer, 1), 0);
	assert_ok(program_find("sh", &found, &err), err);
	assert_string_equal(found, "/bin/sh");
	free(found);
	found = program_search_path();
	assert_string_equal(found, strchr(longer, ':') + 1);
	assert_int_equal(setenv("PATH", before, 1), 0);
	assert_int_equal(unlink("mine") | unlink("here/mine") | unlink("here/sh"), 0);
	assert_int_equal(rmdir("here"), 0);
	assert_int_equal(chdir(old), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void
a_signal_is_a_status(void **state)
{
	static const char *const argv[] = {"sh", "-c", "kill -9 $$", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(process_run(&request, &result, &err), err);
	assert_int_equal(result.status, 137);
}

static void
time_runs_out(void **state)
{
	/* What it has written by then is nobody's, and freed. */
	static const char *const argv[] = {"sh", "-c", "echo a; echo b >&2; sleep 60 & sleep 60",
					   NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv, .timeout_ms = 300};
	struct error err = ERROR_INIT;
	double started = monotonic_sec();

	(void)state;
	assert_int_equal(process_run(&request, &result, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_string_equal(err.message, "'sh' timed out after 300 ms");
	assert_null(result.output);
	assert_true(monotonic_sec() - started < 30);
}

static void
the_environment_is_a_list_of_names(void **state)
{
	static const char *const argv[] = {"env", NULL};
	static const char *const extra[] = {"APT_CONFIG=/x y", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv, .environment = extra, .directory = "/"};
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(setenv("RELEASE_TOKEN", "very-secret", 1), 0);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:9", 1), 0);
	assert_ok(process_run(&request, &result, &err), err);
	(void)unsetenv("RELEASE_TOKEN");
	(void)unsetenv("http_proxy");
	assert_null(strstr(result.output, "very-secret"));
	assert_non_null(strstr(result.output, "APT_CONFIG=/x y\n"));
	assert_non_null(strstr(result.output, "http_proxy=http://127.0.0.1:9\n"));
	assert_non_null(strstr(result.output, "LC_ALL=C.UTF-8\n"));
}

/* Longer than a pipe is, and for a program that reads none of it. */
static void
input_is_read_to_its_end(void **state)
{
	enum { LONG = 300000 };
	static const char *const counted[] = {"wc", "-c", NULL};
	static const char *const passed_over[] = {"true", NULL};
	static const char *const empty[] = {"wc", "-c", NULL};
	AUTO(process_result_clear) struct process_result one = PROCESS_RESULT_INIT;
	AUTO(process_result_clear) struct process_result two = PROCESS_RESULT_INIT;
	AUTO(process_result_clear) struct process_result none = PROCESS_RESULT_INIT;
	auto_free char *text = xcalloc(LONG + 1, 1);
	struct process_request request = {.argv = counted, .input = text};
	struct error err = ERROR_INIT;

	(void)state;
	memset(text, 'x', LONG);
	assert_ok(process_run(&request, &one, &err), err);
	assert_int_equal(strtol(one.output, NULL, 10), LONG);
	request.argv = passed_over;
	assert_ok(process_run(&request, &two, &err), err);
	assert_int_equal(two.status, 0);
	request = (struct process_request){.argv = empty};
	assert_ok(process_run(&request, &none, &err), err);
	assert_int_equal(strtol(none.output, NULL, 10), 0);
}

static void
a_variable_of_the_caller_replaces_ours(void **state)
{
	static const char *const argv[] = {"sh", "-c", "env | grep ^LC_ALL=; echo '# shown' >&2",
					   NULL};
	static const char *const extra[] = {"LC_ALL=C", "LC_ALL_OTHER=1", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv, .environment = extra, .own_errors = true};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(process_run(&request, &result, &err), err);
	assert_string_equal(result.output, "LC_ALL=C\n");
	assert_string_equal(result.errors, "");
}

static bool
collect(void *context, const char *line)
{
	struct strbuf *text = context;

	strbuf_addf(text, "[%s]", line);
	return strcmp(line, "enough") != 0;
}

static void
status_lines_arrive_one_by_one(void **state)
{
	static const char *const argv[] = {
		"sh", "-c",
		"cd /; pwd; echo one >&3; head -c 5000 /dev/zero | tr '\\0' x >&3; "
		"echo >&3; echo three >&3; printf cut >&3",
		NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	struct process_request request = {.argv = argv, .status_line = collect, .context = &text};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(process_run(&request, &result, &err), err);
	assert_string_equal(result.output, "/\n");
	assert_string_equal(strbuf_text(&text), "[one][three]");
}

static void
a_program_is_stopped_with_its_children(void **state)
{
	static const char *const argv[] = {"sh", "-c", "sleep 60 & echo enough >&3; wait", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	struct process_request request = {.argv = argv, .status_line = collect, .context = &text};
	struct error err = ERROR_INIT;

	(void)state;
	/* It returns only when the sleep, which holds the pipes open too, is gone. */
	assert_ok(process_run(&request, &result, &err), err);
	assert_int_equal(result.status, 128 + 15);
}

static int
try_lock(const char *path, struct error *err)
{
	auto_close int fd = lock_file(path, false, err);

	return fd < 0 ? -1 : 0;
}

/* Who is killed leaves a program behind that still works; nobody may join in. */
static void
a_lock_lasts_as_long_as_the_program(void **state)
{
	auto_free char *directory = scratch_directory();
	auto_free char *path = path_join(directory, "lock");
	auto_free char *script =
		xasprintf("touch '%s/runs'; while [ ! -e '%s/stop' ]; do sleep 0.02; done",
			  directory, directory);
	auto_free char *runs = path_join(directory, "runs");
	auto_free char *stop = path_join(directory, "stop");
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct error err = ERROR_INIT;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct process_request request = {.argv = argv};
		struct process_result result = PROCESS_RESULT_INIT;

		request.lock_fd = lock_file(path, false, &err);
		_exit(request.lock_fd < 0 || process_run(&request, &result, &err) < 0);
	}
	while (access(runs, F_OK) != 0)
		(void)usleep(10000);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_refused(try_lock(path, &err), err, ERR_BUSY, path);
	assert_ok(write_file(stop, "", 0, 0600, &err), err);
	{
		auto_close int fd = lock_file(path, true, &err);

		assert_true(fd >= 0);
	}
	scratch_remove(directory);
}

static void
failures_name_the_program(void **state)
{
	static const char *const missing[] = {"no-such-program-here", NULL};
	static const char *const loud[] = {"head", "-c", "5000", "/dev/zero", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = missing};
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(process_run(&request, &result, &err), err, ERR_NOT_FOUND,
		       "program 'no-such-program-here' not found");
	request = (struct process_request){.argv = loud, .max_output = 4096};
	assert_refused(process_run(&request, &result, &err), err, ERR_INPUT,
		       "'head' wrote more than 4096 bytes");
	assert_null(result.output);
}

static void
only_the_end_of_the_errors_is_kept(void **state)
{
	static const char *const argv[] = {
		"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x >&2; echo last >&2", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(process_run(&request, &result, &err), err);
	assert_true(strlen(result.errors) < 40000);
	assert_true(text_ends_with(result.errors, "xlast\n"));
}

#ifdef SYS_poll
#define POLL SYS_poll
#else
#define POLL SYS_ppoll
#endif

/* In a child, for whom a system call fails: 0 as it should be, 77 if that is not to be had. */
static int
run_with_refused_call(long call, int error, const char *const *argv, const char *message)
{
	struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};
	struct error err = ERROR_INIT;

	(void)alarm(60);
	if (refuse_syscall(call, error) < 0)
		return 77;
	return process_run(&request, &result, &err) < 0 && err.code == ERR_IO &&
			       strcmp(err.message, message) == 0
		       ? 0
		       : 1;
}

static void
output_that_cannot_be_read_is_not_whole(void **state)
{
	static const struct {
		const char *argv[4];
		long call;
		int error;
		const char *message;
	} rows[] = {
		{{"sh", "-c", "echo a", NULL},
		 SYS_read,
		 EIO,
		 "cannot read the output of 'sh': Input/output error"},
		{{"sleep", "600", NULL, NULL},
		 POLL,
		 ENOMEM,
		 "cannot read the output of 'sleep': Cannot allocate memory"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pid_t child = fork();
		int status = 0;

		assert_true(child >= 0);
		if (child == 0)
			_exit(run_with_refused_call(rows[i].call, rows[i].error, rows[i].argv,
						    rows[i].message));
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip_because("no system call can be refused here");
		assert_int_equal(status, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_errors_and_status_come_back),
		cmocka_unit_test(a_signal_is_a_status),
		cmocka_unit_test(programs_are_absolute),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(input_is_read_to_its_end),
		cmocka_unit_test(a_variable_of_the_caller_replaces_ours),
		cmocka_unit_test(the_environment_is_a_list_of_names),
		cmocka_unit_test(status_lines_arrive_one_by_one),
		cmocka_unit_test(a_program_is_stopped_with_its_children),
		cmocka_unit_test(a_lock_lasts_as_long_as_the_program),
		cmocka_unit_test(failures_name_the_program),
		cmocka_unit_test(only_the_end_of_the_errors_is_kept),
		cmocka_unit_test(output_that_cannot_be_read_is_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
