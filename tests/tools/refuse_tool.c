/* SPDX-License-Identifier: MIT */
/*
 * Runs a program for which a system call fails, as on a disk that is broken.
 *
 *     refuse_tool CALL ERRNO PROGRAM [ARG]...            each call
 *     refuse_tool CALL ERRNO N GLOB PROGRAM [ARG]...     the N-th call (0: each) on a path or on an
 *                                                        open file whose path matches GLOB
 *
 * The exit status is the program's, or 124 if no call was refused by GLOB, or 125 if that cannot be
 * arranged. Unlike a tracer it leaves the leak check of the program alone.
 */
#include "base/cleanup.h"
#include "tests/support/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where a call has its paths: "f" an open file, "p" a path, "d" the directory of the path after it. */
static const struct call {
	const char *name;
	long number;
	const char *arguments;
} calls[] = {
	{"getdents64", SYS_getdents64, "f"},
	{"fsync", SYS_fsync, "f"},
	{"fstat", SYS_fstat, "f"},
	{"newfstatat", SYS_newfstatat, "dp"},
	{"statx", SYS_statx, "dp"},
	{"read", SYS_read, "f"},
	{"pread64", SYS_pread64, "f"},
	{"write", SYS_write, "f"},
	{"copy_file_range", SYS_copy_file_range, "f--f"},
	{"ftruncate", SYS_ftruncate, "f"},
	{"fchmod", SYS_fchmod, "f"},
	{"flock", SYS_flock, "f"},
	{"lseek", SYS_lseek, "f"},
	{"openat", SYS_openat, "dp"},
	{"linkat", SYS_linkat, "dpdp"},
	{"mkdirat", SYS_mkdirat, "dp"},
	{"mount", SYS_mount, "-p"},
	{"renameat2", SYS_renameat2, "dpdp"},
	{"readlinkat", SYS_readlinkat, "dp"},
	{"unlinkat", SYS_unlinkat, "dp"},
	{"symlinkat", SYS_symlinkat, "-dp"},
#ifdef SYS_unlink
	{"link", SYS_link, "pp"},
	{"mkdir", SYS_mkdir, "p"},
	{"readlink", SYS_readlink, "p"},
	{"rename", SYS_rename, "pp"},
	{"rmdir", SYS_rmdir, "p"},
	{"symlink", SYS_symlink, "-p"},
	{"unlink", SYS_unlink, "p"},
#else
	{"link", SYS_linkat, "dpdp"},
	{"mkdir", SYS_mkdirat, "dp"},
	{"readlink", SYS_readlinkat, "dp"},
	{"rename", SYS_renameat2, "dpdp"},
	{"rmdir", SYS_unlinkat, "dp"},
	{"symlink", SYS_symlinkat, "-dp"},
	{"unlink", SYS_unlinkat, "dp"},
#endif
};

static const struct {
	const char *name;
	int number;
} errors[] = {
	{"EIO", EIO},       {"EMFILE", EMFILE}, {"EACCES", EACCES},
	{"ENOSPC", ENOSPC}, {"EXDEV", EXDEV},   {"EPERM", EPERM},
	{"EMLINK", EMLINK}, {"ENOMEM", ENOMEM}, {"ENOLCK", ENOLCK},
};

struct refusal {
	const struct call *call;
	int error;
	unsigned long which;
	const char *glob;
	unsigned long seen; /* calls that match */
};

static const struct call *
find_call(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	return NULL;
}

static int
find_error(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	return 0;
}

/* Of an open file. Empty when there is none. */
static void
path_of_file(unsigned int pid, int fd, char path[static PATH_MAX])
{
	char name[64];
	ssize_t length;

	(void)snprintf(name, sizeof(name), fd == AT_FDCWD ? "/proc/%u/cwd" : "/proc/%u/fd/%d", pid,
		       fd);
	length = readlink(name, path, PATH_MAX - 1);
	path[length > 0 ? length : 0] = '\0';
}

/* A text in the memory of the process, which may end with the last byte that is mapped. */
static void
read_text(unsigned int pid, uint64_t address, char text[static PATH_MAX])
{
	char name[64];
	auto_close int memory = -1;
	size_t length = 0;

	(void)snprintf(name, sizeof(name), "/proc/%u/mem", pid);
	memory = open(name, O_RDONLY | O_CLOEXEC);
	while (memory >= 0 && length < PATH_MAX - 1 &&
	       pread(memory, text + length, 1, (off_t)(address + length)) == 1 &&
	       text[length] != '\0')
		length++;
	text[length] = '\0';
}

static bool
is_meant(const struct refusal *refusal, const struct seccomp_notif *asked)
{
	const char *kinds = refusal->call->arguments;
	char directory[PATH_MAX], name[PATH_MAX], path[2 * PATH_MAX + 1];

	path_of_file(asked->pid, AT_FDCWD, directory);
	for (size_t i = 0; kinds[i] != '\0'; i++) {
		uint64_t value = asked->data.args[i];

		path[0] = '\0';
		if (kinds[i] == 'f') {
			path_of_file(asked->pid, (int)value, path);
		} else if (kinds[i] == 'd') {
			path_of_file(asked->pid, (int)value, directory);
		} else if (kinds[i] == 'p') {
			read_text(asked->pid, value, name);
			(void)snprintf(path, sizeof(path), "%s%s%s",
				       name[0] == '/' ? "" : directory,
				       name[0] == '/' || name[0] == '\0' ? "" : "/", name);
		}
		if (path[0] != '\0' && fnmatch(refusal->glob, path, 0) == 0)
			return true;
	}
	return false;
}

/* Answers each call until nobody is left who could make one. */
static void
serve(int listener, struct refusal *refusal)
{
	struct pollfd events = {.fd = listener, .events = POLLIN};

	while (poll(&events, 1, -1) > 0 && (events.revents & POLLIN) != 0) {
		struct seccomp_notif asked = {.id = 0};
		struct seccomp_notif_resp answer = {.id = 0};

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
			continue;
		answer.id = asked.id;
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		if (is_meant(refusal, &asked) &&
		    (++refusal->seen == refusal->which || refusal->which == 0)) {
			answer.flags = 0;
			answer.error = -refusal->error;
		}
		/* Whoever was killed meanwhile does not wait for it. */
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static int
run_program(char **argv)
{
	(void)execvp(argv[0], argv);
	perror(argv[0]);
	return 125;
}

/* Makes the filter here, whose listener the other end takes, and becomes the program. */
static int
run_filtered(int socket, const struct refusal *refusal, char **argv)
{
	int listener;
	char taken;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	listener = filter_syscall(refusal->call->number, SECCOMP_RET_USER_NOTIF,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER);
	/* No call of these two may be one that is watched: nobody answers yet. */
	if (listener < 0 || send(socket, &listener, sizeof(listener), 0) != sizeof(listener) ||
	    recv(socket, &taken, sizeof(taken), 0) != sizeof(taken))
		return 125;
	return run_program(argv);
}

static int
take_listener(int socket, pid_t child)
{
	auto_close int process = (int)syscall(SYS_pidfd_open, child, 0);
	int number, listener;

	if (process < 0 || recv(socket, &number, sizeof(number), 0) != sizeof(number))
		return -1;
	listener = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	(void)send(socket, "", 1, MSG_NOSIGNAL);
	return listener;
}

static int
run_watched(struct refusal *refusal, char **argv)
{
	auto_close int listener = -1;
	int ends[2], status = 0;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return 125;
	child = fork();
	if (child < 0)
		return 125;
	if (child == 0)
		_exit(run_filtered(ends[1], refusal, argv));
	(void)close(ends[1]);
	listener = take_listener(ends[0], child);
	if (listener >= 0)
		serve(listener, refusal);
	else
		(void)kill(child, SIGKILL);
	if (waitpid(child, &status, 0) < 0 || listener < 0)
		return 125;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return refusal->seen == 0 || refusal->seen < refusal->which ? 124 : WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	struct refusal refusal = {.call = argc > 3 ? find_call(argv[1]) : NULL,
				  .error = argc > 3 ? find_error(argv[2]) : 0};
	char *end;

	if (refusal.call != NULL && refusal.error != 0) {
		refusal.which = strtoul(argv[3], &end, 10);
		if (*end == '\0' && argc > 5) {
			refusal.glob = argv[4];
			return run_watched(&refusal, argv + 5);
		}
		if (refuse_syscall(refusal.call->number, refusal.error) == 0)
			return run_program(argv + 3);
	}
	(void)fprintf(stderr, "refuse_tool: cannot refuse it\n");
	return 125;
}
