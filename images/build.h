/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes the images of a release from its tarballs.
 *
 *     $from-$to[-V]      one layer: /usr/bin/qemu-$to-static
 *     $to[-V]            index of the pairs over all hosts that have the target
 *     V, latest          index of the all-in-one images: every binary but the host's own, and
 *                        /register, which is the entrypoint; for each host that has any
 *     register[-V]       index of images with /register alone
 *
 * The compressed bytes of a gzip layer are those of the tarballs. The same input gives the same
 * bytes, and a part of the hosts gives the same images as all of them.
 */

#include "images/image_tarball.h"
#include "images/layout.h"
#include "model/arch.h"

struct progress;

/* All of it is borrowed. */
struct image_host {
	const struct arch *arch;
	const char *qemu_version;             /* "10.2.2" */
	const char *source_package;           /* as the lock has it, or NULL */
	const char *license;                  /* as the package says it, or NULL */
	const char *registrar;                /* path of the program for this host */
	const struct image_tarball *tarballs; /* without the host's own target */
	size_t tarball_count;
	const struct digest *diff_id; /* of the layer of all of them, or NULL: it is found out */
};

struct image_set {
	const char *name;     /* "qemu-user-static" */
	const char *version;  /* "10.2.2-1" */
	const char *source;   /* URL of the repository, or NULL */
	const char *revision; /* of the repository, or NULL */
	int64_t created_sec;
	bool zstd; /* layers are compressed anew, with zstd */
	const struct image_host *hosts;
	size_t host_count;
	bool is_part; /* the release has more hosts */
};

struct build_options {
	unsigned int jobs;
	struct progress *progress; /* may be NULL */

	/*
	 * Called when all images are made, before the layout gets their names; an error leaves it
	 * as it was. May be NULL.
	 */
	int (*check)(const struct layout *layout, const struct layout_tags *tags, void *context,
		     struct error *err);
	void *context;
};

struct build_result {
	size_t pair_images;
	size_t host_images; /* all-in-one and register */
	size_t indexes;
	bool changed; /* the layout is not what it was */
};

/*
 * Makes all images of the set and publishes them in the layout, in place of what was there;
 * signatures of images that stay are kept. ERR_VERIFY (a tarball is damaged or is another's),
 * ERR_NOT_FOUND (a tarball or registrar is missing), ERR_INPUT, ERR_IO.
 */
int build_images(struct layout *layout, const struct image_set *set,
		 const struct build_options *options, struct build_result *ret_result,
		 struct error *err) CHECKED;
