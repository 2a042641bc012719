/* SPDX-License-Identifier: MIT */
#include "register/sys.h"

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/stat.h>

#include "register/sys_raw.h"

/* Newer than the headers of some build machines. */
#define MEMFD_EXEC 0x10U

/* The kernel's own set of signals, which the headers for programs have otherwise. */
#ifdef __mips__
#define SIGNAL_SET_BYTES 16
#else
#define SIGNAL_SET_BYTES 8
#endif

/* access modes of faccessat, which the kernel's headers do not name */
#define ACCESS_EXISTS  0
#define ACCESS_EXECUTE 1
#define ACCESS_WRITE   2

static int
open_at(const char *path, int flags, int mode)
{
	return (int)sys_raw(__NR_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, mode, 0);
}

int
sys_open_read(const char *path)
{
	return open_at(path, O_RDONLY, 0);
}

int
sys_open_write(const char *path)
{
	return open_at(path, O_WRONLY, 0);
}

int
sys_open_dir(const char *path)
{
	return open_at(path, O_RDONLY | O_DIRECTORY, 0);
}

int
sys_create(const char *path)
{
	return open_at(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666);
}

int
sys_close(int fd)
{
	return (int)sys_raw(__NR_close, fd, 0, 0, 0, 0);
}

long
sys_read(int fd, void *buf, size_t size)
{
	return sys_raw(__NR_read, fd, (long)buf, (long)size, 0, 0);
}

long
sys_seek(int fd, long offset)
{
	return sys_raw(__NR_lseek, fd, offset, 0, 0, 0);
}

long
sys_write(int fd, const void *buf, size_t size)
{
	return sys_raw(__NR_write, fd, (long)buf, (long)size, 0, 0);
}

int
sys_rename(const char *from, const char *to)
{
#ifdef __NR_renameat
	return (int)sys_raw(__NR_renameat, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0);
#else
	return (int)sys_raw(__NR_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0);
#endif
}

int
sys_unlink(const char *path)
{
	return (int)sys_raw(__NR_unlinkat, AT_FDCWD, (long)path, 0, 0, 0);
}

static int
access_at(const char *path, int mode)
{
	return (int)sys_raw(__NR_faccessat, AT_FDCWD, (long)path, mode, 0, 0);
}

int
sys_exists(const char *path)
{
	return access_at(path, ACCESS_EXISTS);
}

int
sys_may_execute(const char *path)
{
	int dir = sys_open_dir(path);

	if (dir >= 0) {
		sys_close(dir);
		return -EISDIR;
	}
	return access_at(path, ACCESS_EXECUTE);
}

int
sys_may_write(const char *path)
{
	int dir = sys_open_dir(path);

	if (dir < 0)
		return dir;
	sys_close(dir);
	return access_at(path, ACCESS_WRITE);
}

long
sys_getdents(int fd, void *buf, size_t size)
{
	return sys_raw(__NR_getdents64, fd, (long)buf, (long)size, 0, 0);
}

int
sys_uname(struct sys_uname *ret_name)
{
	return (int)sys_raw(__NR_uname, (long)ret_name, 0, 0, 0, 0);
}

void
sys_hold_sigpipe(void)
{
	unsigned long held[SIGNAL_SET_BYTES / sizeof(long)] = {1UL << (SIGPIPE - 1)};

	(void)sys_raw(__NR_rt_sigprocmask, SIG_BLOCK, (long)held, 0, sizeof(held), 0);
}

int
sys_getpid(void)
{
	return (int)sys_raw(__NR_getpid, 0, 0, 0, 0, 0);
}

int
sys_mount(const char *type, const char *dir)
{
	return (int)sys_raw(__NR_mount, (long)type, (long)dir, (long)type, 0, 0);
}

int
sys_hide_mounts(void)
{
	long ret = sys_raw(__NR_unshare, CLONE_NEWNS, 0, 0, 0, 0);

	if (ret == 0)
		ret = sys_raw(__NR_mount, (long)"", (long)"/", (long)"", MS_REC | MS_PRIVATE, 0);
	return (int)ret;
}

int
sys_modified(int fd, const char *path, struct sys_time *ret_time)
{
	struct statx seen;
	long ret = sys_raw(__NR_statx, fd < 0 ? AT_FDCWD : fd, (long)path, AT_EMPTY_PATH,
			   STATX_MTIME, (long)&seen);

	if (ret < 0)
		return (int)ret;
	if ((seen.stx_mask & STATX_MTIME) == 0)
		return -ENOSYS;
	*ret_time = (struct sys_time){.sec = seen.stx_mtime.tv_sec, .nsec = seen.stx_mtime.tv_nsec};
	return 0;
}

/* Kernels before 6.3 refuse the flag that newer ones may insist on. */
int
sys_memfd(const char *name)
{
	long fd = sys_raw(__NR_memfd_create, (long)name, MFD_CLOEXEC | MEMFD_EXEC, 0, 0, 0);

	if (fd == -EINVAL)
		fd = sys_raw(__NR_memfd_create, (long)name, MFD_CLOEXEC, 0, 0, 0);
	return (int)fd;
}

static long
fork_child(void)
{
#ifdef __s390x__
	return sys_raw(__NR_clone, 0, SIGCHLD, 0, 0, 0); /* the first two the other way round */
#else
	return sys_raw(__NR_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

/* The pipe, which closes when the program starts, tells a failed start from an exit status. */
int
sys_run(int fd)
{
	static const char *const none[] = {NULL};
	int pipe[2], status = 0, problem = 0;
	long child, waited, ret;

	ret = sys_raw(__NR_pipe2, (long)pipe, O_CLOEXEC, 0, 0, 0);
	if (ret < 0)
		return (int)ret;
	child = fork_child();
	if (child == 0) {
		problem = (int)sys_raw(__NR_execveat, fd, (long)"", (long)none, (long)none,
				       AT_EMPTY_PATH);
		sys_write(pipe[1], &problem, sizeof(problem));
		for (;;)
			sys_raw(__NR_exit, 1, 0, 0, 0, 0);
	}
	sys_close(pipe[1]);
	if (child < 0) {
		sys_close(pipe[0]);
		return (int)child;
	}
	ret = sys_read(pipe[0], &problem, sizeof(problem));
	sys_close(pipe[0]);
	do {
		waited = sys_raw(__NR_wait4, child, (long)&status, 0, 0, 0);
	} while (waited == -EINTR);
	if (ret == (long)sizeof(problem))
		return problem;
	if (waited < 0)
		return (int)waited;
	return (status & 0x7f) != 0 ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
}
