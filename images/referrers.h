/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tags that say something about other images, and the list of referrers that stands in for the
 * referrers API where a registry has none:
 *
 *     sha256-HEX.sig    cosign's signatures of the manifest with that digest
 *     sha256-HEX        an index of the manifests whose subject it is
 */

#include "images/oci.h"

/* Whether it is one of these, and no name of an image. */
bool referrers_tag_is_any(const char *tag);
bool referrers_tag_is_signature(const char *tag);
bool referrers_tag_is_fallback(const char *tag);

/* The digest in such a tag. Returns false for any other tag. */
bool referrers_tag_subject(const char *tag, struct digest *ret_digest);

/*
 * Makes the list that has the entries of both, those of others first and unchanged. Returns true
 * when `theirs` has all of `ours` already.
 */
bool referrers_merge(const struct oci_parsed *theirs, const struct oci_parsed *ours,
		     struct oci_document *ret_merged);

/* A list of these entries; `descriptors` have artifact type and annotations of what they name. */
void referrers_make(const struct oci_descriptors *descriptors, struct oci_document *ret_list);
