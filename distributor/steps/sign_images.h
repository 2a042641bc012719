/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Signatures of the images in OUT/images, under every name that the matrix publishes them by.
 */

#include "distributor/steps/signer.h"
#include "distributor/workspace/workspace.h"
#include "images/layout.h"

struct step_sign_images_result {
	size_t images;  /* and indexes */
	size_t written; /* of which the signatures were missing or wrong */
};

/*
 * Adds the signatures that are missing to the layout. Without repositories there is no name to
 * sign, and nothing is done. Errors of lazy_signer_get() and of the layout.
 */
int step_sign_images(const struct workspace *work, const struct text_list *repositories,
		     int64_t created_sec, struct lazy_signer *lazy,
		     struct step_sign_images_result *ret_result, struct error *err) CHECKED;

/*
 * Whether all images of a layout are signed by a key that may, under every name that they get in
 * this repository. ERR_VERIFY with the first that is not. Errors of the layout.
 */
int step_sign_images_check(const struct layout *layout, const char *repository,
			   const struct keyring *keyring, struct error *err) CHECKED;
