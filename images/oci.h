/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * OCI documents: image configs, manifests and indexes.
 *
 * A document is serialised once; those bytes are kept, hashed, written and sent, because content
 * is served byte for byte. The text is compact JSON with sorted keys.
 */

#include "base/digest.h"
#include "base/error.h"
#include "model/arch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;

enum oci_kind {
	OCI_INDEX,
	OCI_MANIFEST,
	OCI_CONFIG,
	OCI_LAYER_TAR,
	OCI_LAYER_GZIP,
	OCI_LAYER_ZSTD,
};

#define OCI_EMPTY_MEDIA_TYPE "application/vnd.oci.empty.v1+json"

/* Largest manifest or index that is read; registries stop at 4 MiB. */
#define OCI_MAX_DOCUMENT ((size_t)4 << 20)

/* The annotation in index.json that holds the tag. */
#define OCI_REF_NAME "org.opencontainers.image.ref.name"

/* Room for "sha256:", 64 digits and the terminator. */
#define OCI_DIGEST_SIZE (7 + DIGEST_HEX_SIZE)

const char *oci_media_type(enum oci_kind kind);

/* Of OCI's types or of those of Docker's schema 2, which others use. */
bool oci_is_manifest(const char *media_type);
bool oci_is_index(const char *media_type);

/* "sha256:HEX" into `text`, which is returned. */
char *oci_digest_text(const struct digest *digest, char text[OCI_DIGEST_SIZE]);
bool oci_digest_parse(const char *text, struct digest *ret_digest) CHECKED;

/* "2024-01-01T00:00:00Z", to be freed by the caller; `sec` lies between the years 1970 and 9999. */
char *oci_time_text(int64_t sec) CHECKED;

/* Keys and values, both owned: annotations of a document, labels of a config. */
struct oci_label {
	char *key;
	char *value;
};

struct oci_labels {
	struct oci_label *items;
	size_t count;
};

#define OCI_LABELS_INIT {NULL, 0}

/* Copies both; a NULL or empty value adds nothing, a key that is there gets the new value. */
void oci_labels_set(struct oci_labels *labels, const char *key, const char *value);
void oci_labels_copy(struct oci_labels *labels, const struct oci_labels *from);
const char *oci_labels_get(const struct oci_labels *labels, const char *key);
void oci_labels_clear(struct oci_labels *labels);

/*
 * What one document says about another blob. Strings are owned; those that do not apply are NULL.
 */
struct oci_descriptor {
	char *media_type;
	char *artifact_type;
	struct digest digest;
	uint64_t size; /* in bytes */
	char *architecture;
	char *os;
	char *variant;
	struct oci_labels annotations;
};

void oci_descriptor_clear(struct oci_descriptor *descriptor);
void oci_descriptor_copy(const struct oci_descriptor *from, struct oci_descriptor *ret_copy);

/* Replaces the platform by that of a host. */
void oci_descriptor_set_platform(struct oci_descriptor *descriptor, const struct arch *host);

struct oci_descriptors {
	struct oci_descriptor *items;
	size_t count;
};

/* Adds an empty descriptor and returns it; valid until the next call. */
struct oci_descriptor *oci_descriptors_add(struct oci_descriptors *list);
void oci_descriptors_clear(struct oci_descriptors *list);

/* A document with the descriptor of its bytes. */
struct oci_document {
	char *text;
	size_t length;
	struct oci_descriptor descriptor;
};

#define OCI_DOCUMENT_INIT {.text = NULL}

void oci_document_clear(struct oci_document *document);

/* Serialises `root`, which is taken, under this media type. */
void
oci_document_make(struct json_t *root, const char *media_type, struct oci_document *ret_document);

struct oci_layer {
	enum oci_kind kind;     /* one of OCI_LAYER_... */
	struct digest digest;   /* of the blob as stored */
	uint64_t size;          /* of the blob */
	struct digest diff_id;  /* of the uncompressed tar */
	const char *created_by; /* for the history; borrowed */
};

/* One image: everything is borrowed. */
struct oci_image {
	const struct arch *host; /* the platform of an image is where its programs run */
	int64_t created_sec;
	const char *const *entrypoint; /* ended by NULL; NULL for none */
	const char *const *environment;
	const struct oci_layer *layers;
	size_t layer_count;
	const struct oci_labels *labels; /* in the config, and as annotations where there are any */
};

/*
 * Makes config and manifest; the descriptor of the manifest has its platform, and the mark of zstd
 * layers, for indexes.
 */
void oci_image_make(const struct oci_image *image, struct oci_document *ret_config,
		    struct oci_document *ret_manifest);

/*
 * An index of manifests, each with a platform, in the order of the list. ERR_INPUT for a list that
 * is empty, holds anything but OCI manifests or has one platform twice: clients take the first match.
 */
int oci_index_make(const struct oci_descriptors *manifests, const struct oci_labels *annotations,
		   struct oci_document *ret_index, struct error *err) CHECKED;

/* A descriptor as JSON, for documents that are made elsewhere (index.json, referrers). */
struct json_t *oci_descriptor_json(const struct oci_descriptor *descriptor) CHECKED;
struct json_t *oci_labels_json(const struct oci_labels *labels) CHECKED;

/* A manifest or index as read. What the document does not have is empty, or NULL. */
struct oci_parsed {
	char *media_type; /* may be NULL: the field is optional */
	char *artifact_type;
	bool has_config;
	struct oci_descriptor config;
	struct oci_descriptors layers;
	struct oci_descriptors manifests;
	bool has_subject;
	struct oci_descriptor subject;
	struct oci_labels annotations;
};

#define OCI_PARSED_INIT {.media_type = NULL}

/*
 * Reads a manifest or index: both families, unknown members ignored as the specification asks.
 * ERR_INPUT with name, line, column and path: schemaVersion other than 2, a descriptor without
 * media type, digest (sha256 only) or size, more than 100,000 of them.
 */
int oci_parse(const char *name, const char *text, size_t length, struct oci_parsed *ret_parsed,
	      struct error *err) CHECKED;
void oci_parsed_clear(struct oci_parsed *parsed);

/* What a config says about its image. ERR_INPUT. */
struct oci_config_parsed {
	char *architecture, *os, *variant;
	struct digest *diff_ids;
	size_t diff_id_count;
	struct oci_labels labels;
};

int oci_config_parse(const char *name, const char *text, size_t length,
		     struct oci_config_parsed *ret_config, struct error *err) CHECKED;
void oci_config_parsed_clear(struct oci_config_parsed *config);
