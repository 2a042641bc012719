/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Takes one image of a layout apart, as a container engine does before it runs it.
 */

#include "images/layout.h"

/*
 * Unpacks the layers of the image behind the tag `tag`, or of the one for `host` if it is an index,
 * into the existing empty directory `directory`. The digest of everything is compared, of a layer
 * and of the tar in it after it was unpacked: nothing may be run before this has succeeded.
 *
 * Files and directories are all that images of ours have; anything else, whiteouts, names with
 * "..", sparse files, a file over 512 MiB, a layer over 2 GiB and a second file of one name are
 * refused. Of a file's mode the bits 0755 are kept. ERR_NOT_FOUND (no such tag, no such host in it,
 * a missing blob), ERR_VERIFY, ERR_INPUT, ERR_IO.
 */
int image_unpack(const struct layout *layout, const char *tag, const struct arch *host,
		 const char *directory, struct error *err) CHECKED;

/*
 * Whether the tag `tag` is there, and is an index with an image for `host` or no index at all.
 * ERR_NOT_FOUND (a missing blob), ERR_VERIFY, ERR_INPUT, ERR_IO.
 */
int image_is_there(const struct layout *layout, const char *tag, const struct arch *host,
		   bool *ret_there, struct error *err) CHECKED;
