/* SPDX-License-Identifier: MIT */
#include "images/oci.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

/*
 * The containers/image library (podman, skopeo) marks manifests with zstd layers so in an index,
 * and prefers those that are marked. Where the mark is missing it adds it when it copies the index,
 * which changes the digest; told to preserve digests, it refuses to copy.
 */
#define ZSTD_KEY "io.github.containers.compression.zstd"

static const char *const media_types[] = {
	[OCI_INDEX] = "application/vnd.oci.image.index.v1+json",
	[OCI_MANIFEST] = "application/vnd.oci.image.manifest.v1+json",
	[OCI_CONFIG] = "application/vnd.oci.image.config.v1+json",
	[OCI_LAYER_TAR] = "application/vnd.oci.image.layer.v1.tar",
	[OCI_LAYER_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
	[OCI_LAYER_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
};

#define DOCKER_INDEX    "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"

const char *
oci_media_type(enum oci_kind kind)
{
	return media_types[kind];
}

bool
oci_is_manifest(const char *media_type)
{
	return strcmp(media_type, media_types[OCI_MANIFEST]) == 0 ||
	       strcmp(media_type, DOCKER_MANIFEST) == 0;
}

bool
oci_is_index(const char *media_type)
{
	return strcmp(media_type, media_types[OCI_INDEX]) == 0 ||
	       strcmp(media_type, DOCKER_INDEX) == 0;
}

char *
oci_digest_text(const struct digest *digest, char text[OCI_DIGEST_SIZE])
{
	memcpy(text, "sha256:", 7);
	(void)digest_hex(digest, text + 7);
	return text;
}

bool
oci_digest_parse(const char *text, struct digest *ret_digest)
{
	/*
	 * Other algorithms are allowed by the specification and used by nobody; upper case is not.
	 */
	return text_starts_with(text, "sha256:") && strlen(text) == 7 + 64 &&
	       strspn(text + 7, "0123456789abcdef") == 64 && digest_parse(text + 7, ret_digest);
}

char *
oci_time_text(int64_t sec)
{
	char text[32];
	struct tm tm;
	time_t when = (time_t)sec;

	assert(sec >= 0 && sec < INT64_C(253402300800));
	(void)gmtime_r(&when, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return xstrdup(text);
}

void
oci_labels_set(struct oci_labels *labels, const char *key, const char *value)
{
	struct oci_label *label;

	if (value == NULL || *value == '\0')
		return;
	for (size_t i = 0; i < labels->count; i++) {
		if (strcmp(labels->items[i].key, key) == 0) {
			free(labels->items[i].value);
			labels->items[i].value = xstrdup(value);
			return;
		}
	}
	labels->items = xgrow(labels->items, labels->count, sizeof(*labels->items));
	label = &labels->items[labels->count++];
	label->key = xstrdup(key);
	label->value = xstrdup(value);
}

void
oci_labels_copy(struct oci_labels *labels, const struct oci_labels *from)
{
	for (size_t i = 0; i < from->count; i++)
		oci_labels_set(labels, from->items[i].key, from->items[i].value);
}

const char *
oci_labels_get(const struct oci_labels *labels, const char *key)
{
	for (size_t i = 0; i < labels->count; i++)
		if (strcmp(labels->items[i].key, key) == 0)
			return labels->items[i].value;
	return NULL;
}

void
oci_labels_clear(struct oci_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		free(labels->items[i].key);
		free(labels->items[i].value);
	}
	free(labels->items);
	*labels = (struct oci_labels)OCI_LABELS_INIT;
}

void
oci_descriptor_clear(struct oci_descriptor *descriptor)
{
	free(descriptor->media_type);
	free(descriptor->artifact_type);
	free(descriptor->architecture);
	free(descriptor->os);
	free(descriptor->variant);
	oci_labels_clear(&descriptor->annotations);
	*descriptor = (struct oci_descriptor){.media_type = NULL};
}

static char *
copy_text(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

void
oci_descriptor_copy(const struct oci_descriptor *from, struct oci_descriptor *ret_copy)
{
	*ret_copy = (struct oci_descriptor){
		.media_type = copy_text(from->media_type),
		.artifact_type = copy_text(from->artifact_type),
		.digest = from->digest,
		.size = from->size,
		.architecture = copy_text(from->architecture),
		.os = copy_text(from->os),
		.variant = copy_text(from->variant),
	};
	oci_labels_copy(&ret_copy->annotations, &from->annotations);
}

void
oci_descriptor_set_platform(struct oci_descriptor *descriptor, const struct arch *host)
{
	free(descriptor->architecture);
	free(descriptor->os);
	free(descriptor->variant);
	descriptor->architecture = xstrdup(host->oci);
	descriptor->os = xstrdup("linux");
	descriptor->variant = copy_text(host->oci_variant);
}

struct oci_descriptor *
oci_descriptors_add(struct oci_descriptors *list)
{
	list->items = xgrow(list->items, list->count, sizeof(*list->items));
	return &list->items[list->count++];
}

void
oci_descriptors_clear(struct oci_descriptors *list)
{
	for (size_t i = 0; i < list->count; i++)
		oci_descriptor_clear(&list->items[i]);
	free(list->items);
	*list = (struct oci_descriptors){NULL, 0};
}

void
oci_document_clear(struct oci_document *document)
{
	free(document->text);
	oci_descriptor_clear(&document->descriptor);
	*document = (struct oci_document)OCI_DOCUMENT_INIT;
}

void
oci_document_make(struct json_t *root, const char *media_type, struct oci_document *ret_document)
{
	char *text = jsonx_compact(root);
	size_t length = strlen(text);

	json_decref(root);
	*ret_document = (struct oci_document){
		.text = text,
		.length = length,
		.descriptor = {.media_type = xstrdup(media_type), .size = length},
	};
	digest_of(text, length, &ret_document->descriptor.digest);
}

struct json_t *
oci_labels_json(const struct oci_labels *labels)
{
	json_t *object = json_object();

	for (size_t i = 0; i < labels->count; i++)
		jsonx_set(object, labels->items[i].key, jsonx_text(labels->items[i].value));
	return object;
}

struct json_t *
oci_descriptor_json(const struct oci_descriptor *descriptor)
{
	char digest[OCI_DIGEST_SIZE];
	json_t *object =
		jsonx_pack("{s:s, s:s, s:I, s:s*}", "mediaType", descriptor->media_type, "digest",
			   oci_digest_text(&descriptor->digest, digest), "size",
			   (json_int_t)descriptor->size, "artifactType", descriptor->artifact_type);

	if (descriptor->architecture != NULL)
		jsonx_set(object, "platform",
			  jsonx_pack("{s:s, s:s*, s:s*}", "architecture", descriptor->architecture,
				     "os", descriptor->os, "variant", descriptor->variant));
	if (descriptor->annotations.count != 0)
		jsonx_set(object, "annotations", oci_labels_json(&descriptor->annotations));
	return object;
}

static json_t *
words_json(const char *const *words)
{
	json_t *array = json_array();

	for (; *words != NULL; words++)
		jsonx_append(array, jsonx_text(*words));
	return array;
}

static json_t *
container_json(const struct oci_image *image)
{
	json_t *container = json_object();

	if (image->entrypoint != NULL)
		jsonx_set(container, "Entrypoint", words_json(image->entrypoint));
	if (image->environment != NULL)
		jsonx_set(container, "Env", words_json(image->environment));
	if (image->labels != NULL && image->labels->count != 0)
		jsonx_set(container, "Labels", oci_labels_json(image->labels));
	return container;
}

static json_t *
config_json(const struct oci_image *image)
{
	json_t *diff_ids = json_array(), *history = json_array();
	auto_free char *created = oci_time_text(image->created_sec);
	char digest[OCI_DIGEST_SIZE];

	for (size_t i = 0; i < image->layer_count; i++) {
		const struct oci_layer *layer = &image->layers[i];

		jsonx_append(diff_ids, jsonx_text(oci_digest_text(&layer->diff_id, digest)));
		jsonx_append(history, jsonx_pack("{s:s, s:s}", "created", created, "created_by",
						 layer->created_by));
	}
	return jsonx_pack("{s:s, s:s, s:s*, s:s, s:o, s:{s:s, s:o}, s:o}", "architecture",
			  image->host->oci, "os", "linux", "variant", image->host->oci_variant,
			  "created", created, "config", container_json(image), "rootfs", "type",
			  "layers", "diff_ids", diff_ids, "history", history);
}

static void
add_annotations(json_t *document, const struct oci_labels *labels)
{
	if (labels != NULL && labels->count != 0)
		jsonx_set(document, "annotations", oci_labels_json(labels));
}

void
oci_image_make(const struct oci_image *image, struct oci_document *ret_config,
	       struct oci_document *ret_manifest)
{
	const char *type = oci_media_type(OCI_MANIFEST);
	json_t *layers = json_array(), *manifest;
	bool has_zstd = false;

	for (size_t i = 0; i < image->layer_count; i++) {
		const struct oci_layer *layer = &image->layers[i];
		char digest[OCI_DIGEST_SIZE];

		jsonx_append(layers,
			     jsonx_pack("{s:s, s:s, s:I}", "mediaType", oci_media_type(layer->kind),
					"digest", oci_digest_text(&layer->digest, digest), "size",
					(json_int_t)layer->size));
		has_zstd = has_zstd || layer->kind == OCI_LAYER_ZSTD;
	}
	oci_document_make(config_json(image), oci_media_type(OCI_CONFIG), ret_config);
	manifest =
		jsonx_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", type, "config",
			   oci_descriptor_json(&ret_config->descriptor), "layers", layers);
	add_annotations(manifest, image->labels);
	oci_document_make(manifest, type, ret_manifest);
	oci_descriptor_set_platform(&ret_manifest->descriptor, image->host);
	if (has_zstd)
		oci_labels_set(&ret_manifest->descriptor.annotations, ZSTD_KEY, "true");
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int
check_index_child(const struct oci_descriptors *list, size_t which, struct error *err)
{
	const struct oci_descriptor *child = &list->items[which];

	if (strcmp(child->media_type, oci_media_type(OCI_MANIFEST)) != 0)
		return error_set(err, ERR_INPUT, "an index cannot contain a '%s'",
				 child->media_type);
	if (child->architecture == NULL)
		return error_set(err, ERR_INPUT, "a manifest in an index has no platform");
	for (size_t i = 0; i < which; i++)
		if (same_text(child->architecture, list->items[i].architecture) &&
		    same_text(child->variant, list->items[i].variant))
			return error_set(err, ERR_INPUT,
					 "duplicate platform 'linux/%s%s%s' in one index",
					 child->architecture, child->variant != NULL ? "/" : "",
					 child->variant != NULL ? child->variant : "");
	return 0;
}

int
oci_index_make(const struct oci_descriptors *manifests, const struct oci_labels *annotations,
	       struct oci_document *ret_index, struct error *err)
{
	const char *type = oci_media_type(OCI_INDEX);
	json_t *list, *index;

	if (manifests->count == 0)
		return error_set(err, ERR_INPUT, "an index has no manifests");
	for (size_t i = 0; i < manifests->count; i++)
		if (check_index_child(manifests, i, err) < 0)
			return -1;
	list = json_array();
	for (size_t i = 0; i < manifests->count; i++)
		jsonx_append(list, oci_descriptor_json(&manifests->items[i]));
	index = jsonx_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", type, "manifests",
			   list);
	add_annotations(index, annotations);
	oci_document_make(index, type, ret_index);
	return 0;
}
