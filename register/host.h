/* SPDX-License-Identifier: MIT */
/*
 * host: the machine that the registrar runs on, and which targets it is left without.
 */
#pragma once

#include <stdbool.h>

#include "model/binfmt_table.h"

struct host {
	const struct binfmt_target *target; /* the host as a target: what it runs itself */
	bool overridden;                    /* HOST_ARCH named it: another machine is meant */
};

/*
 * The target that a machine of this name runs itself, or NULL if the name is unknown. `name` is
 * what `uname -m` prints, or a name that Debian or QEMU has for it. Where MIPS machines do not tell
 * their byte order, the registrar's own is theirs.
 */
const struct binfmt_target *host_target(const char *name);

/* Find out the host from HOST_ARCH, which may be NULL, or the kernel. Returns 0, or -1 with the
 * unknown name in `ret_name`, which has room for a name of uname's. */
int host_detect(const char *host_arch, struct host *ret_host, char *ret_name, size_t size);

/*
 * The target that the kernel itself is made for, or NULL if it does not say so (before Linux 6.1).
 * It differs from the host where the registrar is itself emulated, which uname() hides.
 */
const struct binfmt_target *host_kernel_target(void);

/* How a target is related to the host, by names alone. */
enum host_relation {
	HOST_FOREIGN, /* needs an emulator */
	HOST_SIBLING, /* of the host's family: the host may be able to run it itself */
	HOST_ITSELF,  /* its emulator would be asked for the host's own programs */
};

enum host_relation host_relation(const struct host *host, const struct binfmt_target *target);
