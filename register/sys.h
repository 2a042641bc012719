/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * sys: the few system calls that the registrar needs, without a C library.
 *
 * Every function returns what the kernel returns: a result, or the negated errno of
 * <linux/errno.h>. Descriptors are close-on-exec. The same code is linked into the unit tests,
 * which do have a C library.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYS_NAME_SIZE 65

/* What uname(2) fills in, in the kernel's layout. */
struct sys_uname {
	char sysname[SYS_NAME_SIZE];
	char nodename[SYS_NAME_SIZE];
	char release[SYS_NAME_SIZE];
	char version[SYS_NAME_SIZE];
	char machine[SYS_NAME_SIZE];
	char domainname[SYS_NAME_SIZE];
};

struct sys_time {
	int64_t sec;
	uint32_t nsec;
};

int sys_open_read(const char *path);
int sys_open_write(const char *path); /* without O_CREAT and O_TRUNC */
int sys_open_dir(const char *path);
int sys_create(const char *path); /* mode 0666 less the umask; whatever was there is emptied */
int sys_close(int fd);
long sys_read(int fd, void *buf, size_t size);
long sys_seek(int fd, long offset); /* from the beginning */
long sys_write(int fd, const void *buf, size_t size);
int sys_rename(const char *from, const char *to);
int sys_unlink(const char *path);

/* Whether `path` exists, is a file that may be executed, is a directory that may be written. */
int sys_exists(const char *path);
int sys_may_execute(const char *path);
int sys_may_write(const char *path);

/* Directory entries in the kernel's linux_dirent64 layout; 0 at the end. */
long sys_getdents(int fd, void *buf, size_t size);

int sys_uname(struct sys_uname *ret_name);
int sys_getpid(void);

/* A reader that goes away is no reason to stop half-way: writing to it fails from here on. */
void sys_hold_sigpipe(void);
int sys_mount(const char *type, const char *dir);

/* From here on, mounts of this process are seen by nobody else, and end with it. */
int sys_hide_mounts(void);

/* Last modification; of `fd` itself if `path` is empty. -ENOSYS before Linux 4.11. */
int sys_modified(int fd, const char *path, struct sys_time *ret_time);

/* An unnamed file in memory that may be executed. */
int sys_memfd(const char *name);

/*
 * Run the program in `fd` in a child, without arguments and environment, and wait for its end.
 * Returns its exit status, 128 and the signal's number if one killed it, or the negated errno of
 * what kept it from starting.
 */
int sys_run(int fd);
