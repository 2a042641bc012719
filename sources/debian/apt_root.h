/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A private root for apt: its own configuration, source, keyring, lists and dpkg status, so that
 * apt-get works for any suite, architecture and user, and neither reads nor changes the machine's
 * own state. One root is for one suite and one architecture.
 *
 * From the machine's configuration it takes only how to reach servers (proxies, timeouts,
 * passwords, and where apt has its methods), not its hooks, pins and weaker checks.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct process_result;

struct apt_root {
	char *directory; /* absolute */
	char *config;    /* for APT_CONFIG */
	char *keyring;   /* the copy in it */
	char *helper;    /* the program apt-helper, which is not in PATH */
	char *suite;
	char *arch; /* Debian's spelling */
	int lock_fd;
};

#define APT_ROOT_INIT {.lock_fd = -1}

/*
 * Creates or opens the root in `directory`, which is created if missing, and waits for other users
 * of it. `keyring` is a binary file of OpenPGP keys, or NULL for Debian's archive keys, from the
 * package debian-archive-keyring. With `allow_expired` a Release file past its Valid-Until is
 * accepted.
 *
 * ERR_NOT_FOUND (Debian's keyring is missing), ERR_INPUT (the machine's apt does not work; the
 * keyring is unreadable or armored; the suite is not a name; apt cannot use the directory's name),
 * ERR_IO.
 */
int apt_root_open(const char *directory, const char *suite, const char *arch, const char *keyring,
		  bool allow_expired, struct apt_root *ret_root, struct error *err) CHECKED;

void apt_root_clear(struct apt_root *root);

/*
 * The base URLs of Debian's archive, to be tried in order: the environment variable
 * DISTRIBUTOR_APT_MIRROR, else what the machine's own apt uses for component main of origin Debian;
 * then `urls`. They may contain credentials and are not for messages.
 *
 * ERR_INPUT if there is none, or if one is not valid in a sources.list. To be cleared with
 * apt_bases_clear().
 */
struct apt_bases {
	char **urls;
	size_t count;
};

int apt_bases_find(const char *const *urls, size_t count, struct apt_bases *ret_bases,
		   struct error *err) CHECKED;
void apt_bases_clear(struct apt_bases *bases);

/*
 * Updates the lists from one base URL, verified by apt. If apt cannot update the old lists (the
 * archive changed its name, lists are damaged), they are removed and fetched again; then
 * `*ret_notice` is a sentence about it, to be freed by the caller, else NULL.
 *
 * ERR_VERIFY (signature, expired, altered), ERR_NOT_FOUND (the archive has no such suite or
 * architecture), ERR_INPUT (it requires a password), ERR_NETWORK; the message is apt's own.
 */
int apt_root_update(const struct apt_root *root, const char *base, char **ret_notice,
		    struct error *err) CHECKED;

/*
 * Runs an apt program in this root; `argv` as in process_request, `directory` may be NULL. A
 * failure of the program is not an error here.
 */
int apt_root_run(const struct apt_root *root, const char *const *argv, const char *directory,
		 bool (*status_line)(void *context, const char *line), void *context,
		 struct process_result *ret_result, struct error *err) CHECKED;

/*
 * Sets an error from what an apt program wrote to standard error: its first "E:" line, for a
 * refused signature with the first "W:" line, and a code that fits the message. Returns -1.
 */
int apt_failure(const char *errors, struct error *err);

/*
 * The path of the one list whose name ends in `suffix` ("_InRelease"), to be freed, or NULL if
 * there is none. ERR_NOT_FOUND (no lists at all), ERR_IO.
 */
int apt_root_find_list(const struct apt_root *root, const char *suffix, char **ret_path,
		       struct error *err) CHECKED;
