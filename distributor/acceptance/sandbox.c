/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/sandbox.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/interrupt.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#ifndef BINFMTFS_MAGIC
#define BINFMTFS_MAGIC 0x42494e4d
#endif

/* What both processes know: the child waits until the parent has mapped its users. */
struct handshake {
	int ready[2];  /* child to parent: it has its namespaces */
	int mapped[2]; /* parent to child: its users are mapped */
	int result[2]; /* child to parent: the error at its end */
	struct stat parent_namespace;
};

/* A file of the kernel's, which has no size before it is read; NULL with errno. */
static char *
read_kernel_file(int directory, const char *path)
{
	auto_close int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	char text[16384];
	ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	return length >= 0 ? xstrndup(text, (size_t)length) : NULL;
}

/* Whether a kernel setting has this value. */
static bool
setting_is(const char *path, uint64_t value)
{
	auto_free char *text = read_kernel_file(AT_FDCWD, path);
	const char *at = text;
	uint64_t found;

	return text != NULL && parse_uint_prefix(&at, UINT64_MAX, &found) && found == value;
}

static bool
kernel_is_before(uint64_t major, uint64_t minor)
{
	struct utsname names;
	const char *at = names.release;
	uint64_t first, second;

	if (uname(&names) < 0 || !parse_uint_prefix(&at, UINT64_MAX, &first) ||
	    !parse_character(&at, '.') || !parse_uint_prefix(&at, UINT64_MAX, &second))
		return false;
	return first < major || (first == major && second < minor);
}

/* Why unshare() failed, for somebody who can change it. */
static int
explain_namespace(int number, struct error *err)
{
	if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", 0))
		return error_set(err, ERR_IO,
				 "only root can create user namespaces "
				 "(kernel.unprivileged_userns_clone is 0)");
	if (setting_is("/proc/sys/user/max_user_namespaces", 0))
		return error_set(err, ERR_IO,
				 "user namespaces are disabled (user.max_user_namespaces is 0)");
	errno = number;
	return error_set_errno(
		err, ERR_IO,
		"user namespaces are not permitted, for example by the container or chroot");
}

/* Why there is no binfmt_misc of one's own. */
static int
explain_binfmt(int number, struct error *err)
{
	if (number == ENODEV)
		return error_set(
			err, ERR_IO,
			"this kernel does not support binfmt_misc; try 'modprobe binfmt_misc'");
	if (kernel_is_before(6, 7))
		return error_set(err, ERR_IO,
				 "this kernel does not support binfmt_misc in user namespaces; "
				 "Linux 6.7 or later is required");
	if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1))
		return error_set(err, ERR_IO,
				 "AppArmor restricts unprivileged user namespaces "
				 "(kernel.apparmor_restrict_unprivileged_userns is 1)");
	errno = number;
	return error_set_errno(err, ERR_IO, "cannot mount a private binfmt_misc");
}

/* Whether the third word of the line is this one. */
static bool
third_word_is(const char *line, const char *word)
{
	for (int i = 0; i < 2; i++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return strcspn(line, " ") == strlen(word) && text_starts_with(line, word);
}

/*
 * Whether any mount that is visible has this device number and is a binfmt_misc. Format of a line:
 * "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS".
 */
static int
is_mounted(dev_t device, bool *ret_mounted, struct error *err)
{
	auto_free char *wanted = xasprintf("%u:%u", major(device), minor(device));
	auto_free char *line = NULL;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	size_t room = 0;
	bool whole;

	if (mounts == NULL)
		return error_set_errno(err, ERR_IO, "cannot read the list of mounts");
	*ret_mounted = false;
	while (getline(&line, &room, mounts) >= 0)
		if (strstr(line, " - binfmt_misc ") != NULL && third_word_is(line, wanted))
			*ret_mounted = true;
	whole = feof(mounts) != 0;
	(void)fclose(mounts);
	if (!whole)
		return error_set(err, ERR_IO, "cannot read the list of mounts to its end");
	return 0;
}

/* A new one has nothing but its two files. */
static int
check_empty(int directory, struct error *err)
{
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names_at(directory, "the private binfmt_misc", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (strcmp(names.items[i], "register") != 0 &&
		    strcmp(names.items[i], "status") != 0)
			return error_set(err, ERR_IO,
					 "binfmt_misc of the new namespace already has '%s' and is "
					 "not private; not touched",
					 names.items[i]);
	return 0;
}

/* Refuses whatever is not certainly new, empty, and in another namespace than we began in. */
static int
check_private(int directory, const struct handshake *shake, struct error *err)
{
	struct stat ours, here;
	struct statfs kind;
	bool mounted;

	if (stat("/proc/self/ns/user", &ours) < 0 || fstat(directory, &here) < 0 ||
	    fstatfs(directory, &kind) < 0)
		return error_set_errno(err, ERR_IO, "cannot read the private binfmt_misc");
	if (ours.st_dev == shake->parent_namespace.st_dev &&
	    ours.st_ino == shake->parent_namespace.st_ino)
		return error_set(err, ERR_IO, "the user namespace is not new");
	if (kind.f_type != BINFMTFS_MAGIC)
		return error_set(err, ERR_IO, "the mounted file system is not binfmt_misc");
	if (is_mounted(here.st_dev, &mounted, err) < 0)
		return -1;
	if (mounted)
		return error_set(err, ERR_IO,
				 "binfmt_misc of the new namespace was mounted before and is not "
				 "private; not touched");
	return check_empty(directory, err);
}

/* Mounts it without a path, and returns its directory; -1 with an error if there is none. */
static int
mount_nowhere(struct error *err)
{
	auto_close int context = fsopen("binfmt_misc", FSOPEN_CLOEXEC);
	int directory;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain_binfmt(errno, err);
	directory = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return directory >= 0 ? directory : explain_binfmt(errno, err);
}

/*
 * Mounts it where programs look for it. An automount there is not set off: it would mount the
 * machine's own.
 */
static int
attach(int directory, struct error *err)
{
	struct stat mounted, seen;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(err, ERR_IO, "cannot make mounts private");
	if (move_mount(directory, "", AT_FDCWD, BINFMT_PATH, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set_errno(err, ERR_IO, "cannot mount on '%s'", BINFMT_PATH);
	if (fstat(directory, &mounted) < 0 ||
	    fstatat(AT_FDCWD, BINFMT_PATH, &seen, AT_NO_AUTOMOUNT) < 0 ||
	    mounted.st_dev != seen.st_dev)
		return error_set(err, ERR_IO, "'%s' is not the file system that was mounted there",
				 BINFMT_PATH);
	return 0;
}

static int
enter(struct handshake *shake, int *ret_binfmt, struct error *err)
{
	auto_close int directory = -1;
	char byte = 'u';

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return explain_namespace(errno, err);
	if (write(shake->ready[1], &byte, 1) != 1 || read(shake->mapped[0], &byte, 1) != 1)
		return error_set(err, ERR_IO, "cannot map the users of the user namespace");
	directory = mount_nowhere(err);
	if (directory < 0 || check_private(directory, shake, err) < 0 || attach(directory, err) < 0)
		return -1;
	*ret_binfmt = directory;
	directory = -1;
	return 0;
}

static int
write_proc(pid_t pid, const char *file, const char *text)
{
	auto_free char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* The next number of a map of ids, in which blanks align the columns. */
static bool
take_number(const char **at, uint64_t *ret_number)
{
	*at += strspn(*at, " \n");
	return parse_uint_prefix(at, UINT32_MAX, ret_number);
}

/* Our own map, with everybody under the number that they have here. */
static char *
identity_map(const char *file)
{
	auto_free char *path = xasprintf("/proc/self/%s", file);
	auto_free char *text = read_kernel_file(AT_FDCWD, path);
	AUTO(strbuf_clear) struct strbuf map = STRBUF_INIT;
	const char *at = text != NULL ? text : "";
	uint64_t inside, outside, count;

	while (take_number(&at, &inside) && take_number(&at, &outside) && take_number(&at, &count))
		strbuf_addf(&map, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", inside, inside, count);
	return strbuf_take(&map);
}

/* Everybody for root, who may do that; else us alone, as root. */
static int
map_users(pid_t pid)
{
	auto_free char *users = identity_map("uid_map");
	auto_free char *groups = identity_map("gid_map");
	auto_free char *user = xasprintf("0 %u 1\n", (unsigned int)geteuid());
	auto_free char *group = xasprintf("0 %u 1\n", (unsigned int)getegid());

	if (geteuid() == 0 && write_proc(pid, "uid_map", users) == 0)
		return write_proc(pid, "gid_map", groups);
	if (write_proc(pid, "uid_map", user) < 0 || write_proc(pid, "setgroups", "deny") < 0)
		return -1;
	return write_proc(pid, "gid_map", group);
}

static void
close_both(int ends[2])
{
	cleanup_closep(&ends[0]);
	cleanup_closep(&ends[1]);
}

static void
handshake_clear(struct handshake *shake)
{
	close_both(shake->ready);
	close_both(shake->mapped);
	close_both(shake->result);
}

/* Ends the child. Its standard output is flushed by exit(). */
static void
child(struct handshake *shake,
      int (*run)(const struct sandbox *sandbox, void *context, struct error *err), void *context)
{
	struct sandbox sandbox = {.binfmt = -1};
	struct error err = ERROR_INIT;
	int result;

	/* A parent that is killed takes us along. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	cleanup_closep(&shake->ready[0]);
	cleanup_closep(&shake->mapped[1]);
	cleanup_closep(&shake->result[0]);
	(void)!enter(shake, &sandbox.binfmt, &sandbox.why_not);
	cleanup_closep(&shake->ready[1]);
	result = run(&sandbox, context, &err);
	cleanup_closep(&sandbox.binfmt);
	if (result >= 0 && fflush(stdout) != 0)
		result = error_set_errno(&err, ERR_IO, "cannot write to standard output");
	if (result < 0)
		(void)!write(shake->result[1], &err, sizeof(err));
	exit(result < 0 ? 1 : 0);
}

/* Waits for the child's end, and passes on a signal that is to stop us. */
static int
wait_for_end(pid_t pid, int *ret_status, struct error *err)
{
	bool told = false;

	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return error_set_errno(err, ERR_IO, "cannot wait for the test process");
		if (interrupt_pending() && !told) {
			(void)kill(pid, SIGTERM);
			told = true;
		}
	}
	return 0;
}

static int
parent(struct handshake *shake, pid_t pid, struct error *err)
{
	char byte;
	int status = 0;

	cleanup_closep(&shake->ready[1]);
	cleanup_closep(&shake->mapped[0]);
	cleanup_closep(&shake->result[1]);
	if (read(shake->ready[0], &byte, 1) == 1 && map_users(pid) == 0)
		(void)!write(shake->mapped[1], "m", 1);
	cleanup_closep(&shake->mapped[1]);
	if (wait_for_end(pid, &status, err) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (read(shake->result[0], err, sizeof(*err)) == (ssize_t)sizeof(*err))
		return -1;
	if (interrupt_pending())
		return interrupt_check(err);
	return error_set(
		err, ERR_IO,
		"the test process was killed by signal %d or exited without reporting an error",
		WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int
sandbox_run(int (*run)(const struct sandbox *sandbox, void *context, struct error *err),
	    void *context, struct error *err)
{
	AUTO(handshake_clear)
	struct handshake shake = {.ready = {-1, -1}, .mapped = {-1, -1}, .result = {-1, -1}};
	pid_t pid;

	if (stat("/proc/self/ns/user", &shake.parent_namespace) < 0 ||
	    pipe2(shake.ready, O_CLOEXEC) < 0 || pipe2(shake.mapped, O_CLOEXEC) < 0 ||
	    pipe2(shake.result, O_CLOEXEC) < 0)
		return error_set_errno(err, ERR_IO, "cannot prepare the test process");
	/* What is buffered would be written twice. */
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return error_set_errno(err, ERR_IO, "cannot start the test process");
	if (pid == 0)
		child(&shake, run, context);
	return parent(&shake, pid, err);
}

int
sandbox_write(const struct sandbox *sandbox, const char *file, const char *text, struct error *err)
{
	auto_close int fd = openat(sandbox->binfmt, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return error_set_errno(err, ERR_IO,
				       "cannot write to '%s' of the private binfmt_misc", file);
	return 0;
}

int
sandbox_read(const struct sandbox *sandbox, const char *entry, char **ret_text, struct error *err)
{
	char *text = read_kernel_file(sandbox->binfmt, entry);

	if (text == NULL)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot read entry '%s'", entry);
	*ret_text = text;
	return 0;
}
