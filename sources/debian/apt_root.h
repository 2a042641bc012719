/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A private root for apt: its own configuration, source, keyring, lists and dpkg status, so that
 * apt-get works for any suite and architecture, for any user, and never looks at or touches the
 * state of the machine's own. One root is for one suite and one architecture.
 *
 * Of the machine's configuration only the way to servers is kept (proxies, time limits, passwords,
 * and where apt keeps its methods); its hooks, pins and weaker checks are not.
 */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct process_result;

struct apt_root {
	char *directory; /* absolute */
	char *config;    /* for APT_CONFIG */
	char *keyring;   /* the copy in it */
	char *helper;    /* the program apt-helper, which has no place in PATH */
	char *suite;
	char *arch; /* Debian's spelling */
	int lock_fd;
};

#define APT_ROOT_INIT {.lock_fd = -1}

/*
 * Makes or opens the root in `directory`, which is made when missing, and waits for other users of
 * it. `keyring` is a binary file of OpenPGP keys, or NULL for that of Debian's archive, which the
 * package debian-archive-keyring has. With `allow_expired` a Release file past its Valid-Until is
 * accepted.
 *
 * ERR_NOT_FOUND (not Debian's keyring), ERR_INPUT (the machine's apt does not work; keyring not
 * readable or armoured; a suite that is no name; a directory whose name apt cannot take), ERR_IO.
 */
int apt_root_open(const char *directory, const char *suite, const char *arch, const char *keyring,
		  bool allow_expired, struct apt_root *ret_root, struct error *err) CHECKED;

void apt_root_clear(struct apt_root *root);

/*
 * The base URLs of Debian's archive, to be tried in order: what the environment variable
 * DISTRIBUTOR_APT_MIRROR names, else what the machine's own apt uses for component main of origin
 * Debian; then `urls`. They may carry credentials and are not for messages.
 *
 * ERR_INPUT if there is none, or for one that could not stand in a sources.list. To be released
 * with apt_bases_clear().
 */
struct apt_bases {
	char **urls;
	size_t count;
};

int apt_bases_find(const char *const *urls, size_t count, struct apt_bases *ret_bases,
		   struct error *err) CHECKED;
void apt_bases_clear(struct apt_bases *bases);

/*
 * Brings the lists up to date from one base URL, verified by apt. Where apt cannot go on with the
 * old ones (an archive has another name now, lists are damaged), they are removed and fetched from
 * nothing; then `*ret_notice` is a sentence about it, to be freed by the caller, else NULL.
 *
 * ERR_VERIFY (signature, expired, altered), ERR_NOT_FOUND (the archive has no such suite or
 * architecture), ERR_INPUT (it wants a password), ERR_NETWORK; the sentence is apt's own.
 */
int apt_root_update(const struct apt_root *root, const char *base, char **ret_notice,
		    struct error *err) CHECKED;

/*
 * Runs an apt program in this root; `argv` as in process_request, `directory` may be NULL. A
 * failing one is not an error here.
 */
int apt_root_run(const struct apt_root *root, const char *const *argv, const char *directory,
		 bool (*status_line)(void *context, const char *line), void *context,
		 struct process_result *ret_result, struct error *err) CHECKED;

/*
 * Makes an error of what an apt program wrote to standard error: its first "E:" line, for a refused
 * signature with the first "W:" line, and the code that the kind of complaint calls for. Returns
 * -1.
 */
int apt_failure(const char *errors, struct error *err);

/*
 * The path of the one list whose name ends in `suffix` ("_InRelease"), to be freed, or NULL if
 * there is none. ERR_NOT_FOUND (no lists at all), ERR_IO.
 */
int apt_root_find_list(const struct apt_root *root, const char *suffix, char **ret_path,
		       struct error *err) CHECKED;
