/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Releases in a plain directory, or anything that serves one:
 *
 *     DIRECTORY/TAG/NAME           the files, all of them or none
 *     DIRECTORY/TAG.md             the text about them
 *     DIRECTORY/latest             a symbolic link to the latest TAG
 *     DIRECTORY/.TAG.incomplete/   a release on its way there
 *
 * The order is that of publish/github/github.h: completed, compared, then visible in one step, and
 * "latest" last. Files are copies of their own (or reflinks), never hard links.
 */

#include "publish/publication.h"

struct progress;
struct seen_files;

struct directory_target {
	const char *path; /* made when missing */
	bool dry_run;
	struct progress *progress; /* may be NULL */
	/*
	 * What was read of the files there, so that each is hashed again only after a change. May be
	 * NULL.
	 */
	struct seen_files *seen;
	/* Told about removals, in a sentence. May be NULL. */
	void (*notice)(void *context, const char *sentence);
	void *notice_context;
};

/*
 * Completes the release out of sight, or compares one that is there. ERR_INPUT, ERR_IO, ERR_VERIFY
 * (it is there with other files, or bytes have changed on their way), ERR_BUSY (another run).
 */
int directory_prepare(const struct directory_target *target, const struct publication *release,
		      struct publish_result *result, struct error *err) CHECKED;

/* Makes it visible and the latest, and reads it back. The errors of directory_prepare(). */
int directory_publish(const struct directory_target *target, const struct publication *release,
		      struct publish_result *result, struct error *err) CHECKED;

/* The tag that "latest" stands for, to be freed by the caller, or NULL. ERR_IO. */
int directory_latest_tag(const struct directory_target *target, char **ret_tag,
			 struct error *err) CHECKED;

/*
 * Brings back into `into` those files of `names` that the release has, an incomplete one too, and
 * that are not there yet. Nothing is verified. Returns how many came, or -1.
 */
int
directory_fetch(const struct directory_target *target, const char *tag, const char *const *names,
		size_t count, const char *into, struct error *err) CHECKED;
