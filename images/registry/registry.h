/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One repository in a registry, over the OCI distribution API. Used by several threads at once.
 *
 * What the registry says is never taken as proof: digests are compared, and what was sent is asked
 * for again.
 */

#include "base/error.h"
#include "images/oci.h"
#include "images/reference.h"
#include "images/registry/auth.h"
#include "net/http.h"

struct registry;

struct registry_options {
	struct auth_options auth; /* plain_http: talk http:// to any host */
};

/*
 * All is borrowed and must outlive the result. For a registry on this machine it is tried whether
 * it speaks http or https; all others are spoken to over https, unless `auth.plain_http`.
 * ERR_NETWORK, ERR_REMOTE (nothing there that is a registry), ERR_VERIFY (certificate).
 */
int registry_open(struct http_client *http, const struct reference *repository,
		  const struct registry_options *options, struct registry **ret_registry,
		  struct error *err) CHECKED;
void registry_free(struct registry *registry);
void registry_freep(struct registry **registry); /* for AUTO() */

const struct reference *registry_reference(const struct registry *registry);

/* What the registry has under a tag or digest. */
struct registry_manifest {
	char *media_type; /* owned; NULL if the answer had none */
	struct digest digest;
	uint64_t size;
};

void registry_manifest_clear(struct registry_manifest *manifest);

/*
 * Asks for a manifest or index by tag, or by "sha256:HEX". Returns 1, 0 if it is not there, or -1.
 * A registry that refuses HEAD, or does not tell the digest or a true length, is asked for the
 * whole document.
 */
int registry_head_manifest(struct registry *registry, const char *name,
			   struct registry_manifest *ret_manifest, struct error *err) CHECKED;

/*
 * Gets a manifest or index; its digest is computed from the bytes, and compared when `name` is one
 * (ERR_VERIFY). The text is to be freed by the caller. Returns 1, 0 if it is not there, or -1.
 */
int registry_get_manifest(struct registry *registry, const char *name,
			  struct registry_manifest *ret_manifest, char **ret_text,
			  struct error *err) CHECKED;

/*
 * Puts a document under a tag or its digest, and compares the digest in the answer. A child that
 * the registry does not know is ERR_NOT_FOUND, and worth another try after a look at the children.
 * ERR_BUSY is worth another try too: the registry tripped over another request to the same
 * document. Else ERR_REMOTE, ERR_VERIFY, ERR_NETWORK.
 */
int registry_put_manifest(struct registry *registry, const char *name,
			  const struct oci_document *document, struct error *err) CHECKED;

enum registry_look {
	REGISTRY_FAILED = -1,
	REGISTRY_ABSENT = 0,
	REGISTRY_THERE = 1,
	REGISTRY_UNKNOWN =
		2, /* it does not let anybody look: what it says when it is sent counts */
};

/*
 * Whether the registry says it has the blob, with the right size. Where HEAD is refused or answered
 * with a length that cannot be, GET is asked, without its content.
 */
enum registry_look registry_head_blob(struct registry *registry, const struct digest *digest,
				      uint64_t size, struct error *err) CHECKED;

/* Gets a small blob and compares its digest; to be freed. ERR_NOT_FOUND, ERR_VERIFY, ... */
int registry_get_blob(struct registry *registry, const struct digest *digest, uint64_t size,
		      char **ret_text, struct error *err) CHECKED;

/* What is to be brought to the registry: borrowed. */
struct registry_blob {
	const struct oci_descriptor *descriptor;
	int fd;                         /* a file with exactly this content */
	struct progress_task *progress; /* may be NULL */
};

/*
 * Brings a blob to the registry that does not have it, and looks whether it
 * is there. A lost upload is started again a few times. The caller has made sure that the file
 * holds what the descriptor says. ERR_VERIFY: the registry has stored it under another digest.
 * ERR_NETWORK: it has accepted the blob and does not show it, which may pass.
 */
int registry_push_blob(struct registry *registry, const struct registry_blob *blob,
		       struct error *err) CHECKED;

/*
 * The referrers of a manifest, from all pages of the referrers API. None is an empty index. Returns
 * 1, 0 if the registry does not have the API, or -1. ERR_REMOTE: also a list that goes on at
 * another server, for ever, or for more than 10000 entries.
 */
int registry_list_referrers(struct registry *registry, const struct digest *digest,
			    struct oci_parsed *ret_index, struct error *err) CHECKED;

/* The same, or the list under the fallback tag where the registry has no API. Returns 0 or -1. */
int registry_referrers(struct registry *registry, const struct digest *digest,
		       struct oci_parsed *ret_index, struct error *err) CHECKED;
