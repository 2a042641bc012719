/* SPDX-License-Identifier: MIT */
/*
 * binfmt: the kernel's directory of formats, /proc/sys/fs/binfmt_misc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "register/entry.h"

#define BINFMT_DIR      "/proc/sys/fs/binfmt_misc"
#define BINFMT_PATH_MAX 512
#define BINFMT_NAME_MAX 256
#define BINFMT_LIST_MAX 256

/* What this process may expect of its kernel. Messages depend on it. */
struct place {
	bool user_namespace; /* root only here: a rootless container */
	unsigned kernel_major;
	unsigned kernel_minor;
};

void place_detect(struct place *ret_place);
bool place_kernel_before(const struct place *place, unsigned major, unsigned minor);

struct binfmt {
	const char *dir;
	struct place place;
	bool mounted_here; /* by this process */
	bool only_mount;   /* nobody else has this instance mounted: it ends with this mount */
	bool is_shared;    /* the mount is seen outside this mount namespace */
};

struct binfmt_list {
	size_t count;
	bool is_cut; /* there are more */
	char names[BINFMT_LIST_MAX][BINFMT_NAME_MAX];
};

enum binfmt_state {
	BINFMT_READY,
	BINFMT_NO_SUPPORT,  /* the directory is missing: the kernel has no binfmt_misc loaded */
	BINFMT_NOT_MOUNTED, /* the directory is empty */
};

/* What can be found without a change. Looking at the directory also triggers an automount. */
enum binfmt_state binfmt_look(const struct binfmt *binfmt);

/* Mount binfmt_misc, and find out whether that made a new instance. Returns 0 or -errno. */
int binfmt_mount(struct binfmt *binfmt);

/* Mount it for this process alone: enough to see and remove entries that others keep alive. */
int binfmt_mount_hidden(const struct binfmt *binfmt);

/* Whether the kernel tries the formats at all ("status"). */
bool binfmt_is_enabled(const struct binfmt *binfmt);

/* 0 if entries may be made, else -errno. */
int binfmt_may_register(const struct binfmt *binfmt);

/* Make an entry of a line of `n` bytes, in one write. Returns 0 or -errno. */
int binfmt_register(const struct binfmt *binfmt, const char *line, size_t n);

/* Returns 0, or -errno: -ENOENT if there is none, -EIO if it cannot be understood. */
int binfmt_read(const struct binfmt *binfmt, const char *name, struct entry *ret_entry);

/* Write `command` into an entry: "1", "0" or "-1". Returns 0 or -errno. */
int binfmt_command(const struct binfmt *binfmt, const char *name, const char *command);

/* The names of all entries that begin with "qemu-". Returns 0 or -errno. */
int binfmt_list(const struct binfmt *binfmt, struct binfmt_list *ret_list);
