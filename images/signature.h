/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where signatures of images lie in a layout and in a registry.
 *
 * cosign's layout: under the tag sha256-HEX.sig a manifest with one layer for each reference under
 * which the image is published; the layer is what was signed, its annotation the signature.
 *
 * OCI 1.1: a manifest whose subject is the image and whose layer is a sigstore bundle; and under
 * the tag sha256-HEX the list of such manifests, for registries without the referrers API.
 *
 * The bytes that are signed, and the signatures, come from sign/ through the caller.
 */

#include "images/layout.h"

/* One image or index that is to be signed. */
struct signature_subject {
	struct oci_descriptor descriptor;
	char **references; /* "ghcr.io/owner/repo:tag", all names that lead to it, sorted */
	size_t reference_count;
};

struct signature_subjects {
	struct signature_subject *items;
	size_t count;
};

void signature_subjects_clear(struct signature_subjects *subjects);

/*
 * All manifests and indexes of the layout, with the references that they have in these
 * repositories: some verifiers look at the index, some at the manifest in it, under the name of
 * the index. ERR_INPUT (a repository), else as layout_read().
 */
int signature_list_subjects(const struct layout *layout, const char *const *repositories,
			    size_t repository_count, struct signature_subjects *ret_subjects,
			    struct error *err) CHECKED;

/* What was signed, and the signature in base64; owned. */
struct signature {
	char *payload;
	char *signature;
};

/* The signatures of one subject. */
struct signature_set {
	struct signature *items; /* one for each reference */
	size_t count;
	char *bundle; /* a sigstore bundle, owned; NULL for none */
};

void signature_set_clear(struct signature_set *set);
struct signature *signature_set_add(struct signature_set *set);

/*
 * Reads what the layout has for a subject. Returns 1, 0 if there are no signatures, or -1. Nothing
 * of it has been verified but the digests.
 */
int signature_read(const struct layout *layout, const struct digest *subject,
		   struct signature_set *ret_set, struct error *err) CHECKED;

/*
 * Writes the blobs and manifests for a subject, and adds their tags to `tags`, which the caller
 * publishes. `created_sec` is for the annotation of the bundle's manifest. ERR_IO.
 */
int signature_write(struct layout *layout, const struct signature_subject *subject,
		    const struct signature_set *set, int64_t created_sec, struct layout_tags *tags,
		    struct error *err) CHECKED;

/* The tags of a subject, to be freed by the caller. */
char *signature_tag(const struct digest *subject) CHECKED;
char *signature_fallback_tag(const struct digest *subject) CHECKED;

/*
 * Takes signatures out of a manifest of cosign's layout: `read` gets the text of a layer, to be
 * freed. Layers of other kinds, or too large, are passed over, and so are all after a thousand
 * signatures. Errors of `read`.
 */
int signature_from_manifest(const struct oci_parsed *manifest,
			    int (*read)(void *context, const struct oci_descriptor *layer,
					char **ret_text, struct error *err),
			    void *context, struct signature_set *set, struct error *err) CHECKED;

/* Whether an entry of a list of referrers can be of a manifest that holds a sigstore bundle. */
bool signature_may_be_bundle(const struct oci_descriptor *referrer);

/* Whether a manifest holds a sigstore bundle as its only layer. */
bool signature_is_bundle(const struct oci_parsed *manifest);

/*
 * Adds to `others` the signatures of one manifest of cosign's layout that another has not; layers
 * of other kinds, or too large, are none. Returns whether `theirs` has all of `ours`.
 */
bool signature_others(const struct oci_parsed *theirs, const struct oci_parsed *ours,
		      struct oci_descriptors *others);

/* A manifest of cosign's layout, and its config, with our signatures and then those of others. */
void signature_join(const struct oci_parsed *ours, const struct oci_descriptors *others,
		    struct oci_document *ret_config, struct oci_document *ret_manifest);
