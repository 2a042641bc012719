/* SPDX-License-Identifier: MIT */
#include "images/oci.h"

#include "base/alloc.h"
#include "base/jsonx.h"

#include <jansson.h>
#include <string.h>

/* More than any index of this program by far, and little enough to hold. */
#define MAX_DESCRIPTORS 100000

/* A label is looked for among those that are there already. */
#define MAX_LABELS 1000

static int
parse_text(const struct jsonx_doc *doc, const json_t *object, const char *path, const char *key,
	   char **ret_text, struct error *err)
{
	const char *text;

	if (jsonx_get_string(doc, object, path, key, &text, err) < 0)
		return -1;
	free(*ret_text);
	*ret_text = text != NULL ? xstrdup(text) : NULL;
	return 0;
}

static int
parse_labels(const struct jsonx_doc *doc, const json_t *labels, const char *path,
	     struct oci_labels *ret_labels, struct error *err)
{
	json_t *value;
	const char *key;

	if (labels == NULL || json_is_null(labels))
		return 0;
	if (!json_is_object(labels))
		return jsonx_error(doc, err, path, "is not an object");
	if (json_object_size(labels) > MAX_LABELS)
		return jsonx_error(doc, err, path, "has %zu members, more than %d",
				   json_object_size(labels), MAX_LABELS);
	/* The macro of jansson wants a pointer that is not const. */
	for (void *at = json_object_iter((json_t *)(uintptr_t)labels); at != NULL;
	     at = json_object_iter_next((json_t *)(uintptr_t)labels, at)) {
		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		if (!json_is_string(value)) {
			auto_free char *place = jsonx_path(path, key);

			return jsonx_error(doc, err, place, "is not a string");
		}
		oci_labels_set(ret_labels, key, json_string_value(value));
	}
	return 0;
}

static int
parse_platform(const struct jsonx_doc *doc, const json_t *object, const char *path,
	       struct oci_descriptor *descriptor, struct error *err)
{
	const json_t *platform = json_object_get(object, "platform");
	auto_free char *place = jsonx_path(path, "platform");

	if (platform == NULL || json_is_null(platform))
		return 0;
	if (!json_is_object(platform))
		return jsonx_error(doc, err, place, "is not an object");
	if (parse_text(doc, platform, place, "architecture", &descriptor->architecture, err) < 0 ||
	    parse_text(doc, platform, place, "os", &descriptor->os, err) < 0 ||
	    parse_text(doc, platform, place, "variant", &descriptor->variant, err) < 0)
		return -1;
	return 0;
}

static int
parse_descriptor(const struct jsonx_doc *doc, const json_t *object, const char *path,
		 struct oci_descriptor *descriptor, struct error *err)
{
	auto_free char *notes = jsonx_path(path, "annotations");
	auto_free char *digest_path = jsonx_path(path, "digest");
	auto_free char *size_path = jsonx_path(path, "size");
	const char *digest;

	if (!json_is_object(object))
		return jsonx_error(doc, err, path, "is not an object");
	if (parse_text(doc, object, path, "mediaType", &descriptor->media_type, err) < 0 ||
	    parse_text(doc, object, path, "artifactType", &descriptor->artifact_type, err) < 0 ||
	    jsonx_get_string(doc, object, path, "digest", &digest, err) < 0 ||
	    jsonx_get_uint64(doc, object, path, "size", &descriptor->size, err) < 0)
		return -1;
	if (descriptor->media_type == NULL)
		return jsonx_error(doc, err, path, "has no 'mediaType'");
	if (digest == NULL || !oci_digest_parse(digest, &descriptor->digest))
		return jsonx_error(doc, err, digest_path,
				   "must be 'sha256:' and 64 lower-case hexadecimal digits");
	if (json_object_get(object, "size") == NULL)
		return jsonx_error(doc, err, size_path, "is missing");
	if (parse_platform(doc, object, path, descriptor, err) < 0)
		return -1;
	return parse_labels(doc, json_object_get(object, "annotations"), notes,
			    &descriptor->annotations, err);
}

static int
parse_descriptors(const struct jsonx_doc *doc, const char *key, struct oci_descriptors *list,
		  struct error *err)
{
	const json_t *array = json_object_get(doc->root, key);
	size_t count = json_array_size(array);

	if (array == NULL || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return jsonx_error(doc, err, key, "is not an array");
	if (count > MAX_DESCRIPTORS)
		return jsonx_error(doc, err, key, "has %zu items, more than %d", count,
				   MAX_DESCRIPTORS);
	for (size_t i = 0; i < count; i++) {
		auto_free char *path = jsonx_path_index(key, i);

		if (parse_descriptor(doc, json_array_get(array, i), path, oci_descriptors_add(list),
				     err) < 0)
			return -1;
	}
	return 0;
}

static int
parse_optional(const struct jsonx_doc *doc, const char *key, bool *ret_has,
	       struct oci_descriptor *descriptor, struct error *err)
{
	const json_t *object = json_object_get(doc->root, key);

	if (object == NULL || json_is_null(object))
		return 0;
	*ret_has = true;
	return parse_descriptor(doc, object, key, descriptor, err);
}

static int
parse_document(const struct jsonx_doc *doc, struct oci_parsed *parsed, struct error *err)
{
	uint64_t version;

	if (!json_is_object(doc->root))
		return jsonx_error(doc, err, "", "is not an object");
	if (jsonx_get_uint64(doc, doc->root, "", "schemaVersion", &version, err) < 0)
		return -1;
	if (version != 2)
		return jsonx_error(doc, err, "schemaVersion", "must be 2");
	if (parse_text(doc, doc->root, "", "mediaType", &parsed->media_type, err) < 0 ||
	    parse_text(doc, doc->root, "", "artifactType", &parsed->artifact_type, err) < 0 ||
	    parse_optional(doc, "config", &parsed->has_config, &parsed->config, err) < 0 ||
	    parse_optional(doc, "subject", &parsed->has_subject, &parsed->subject, err) < 0 ||
	    parse_descriptors(doc, "layers", &parsed->layers, err) < 0 ||
	    parse_descriptors(doc, "manifests", &parsed->manifests, err) < 0)
		return -1;
	/*
	 * A text that two readers take for two different things is how one image poses as another.
	 */
	if (parsed->manifests.count != 0 && (parsed->has_config || parsed->layers.count != 0))
		return jsonx_error(doc, err, "manifests",
				   "cannot be used with 'config' or 'layers'");
	return parse_labels(doc, json_object_get(doc->root, "annotations"), "annotations",
			    &parsed->annotations, err);
}

int
oci_parse(const char *name, const char *text, size_t length, struct oci_parsed *ret_parsed,
	  struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;

	if (jsonx_parse(name, text, length, &doc, err) < 0 ||
	    parse_document(&doc, &parsed, err) < 0)
		return -1;
	*ret_parsed = parsed;
	parsed = (struct oci_parsed)OCI_PARSED_INIT;
	return 0;
}

void
oci_parsed_clear(struct oci_parsed *parsed)
{
	free(parsed->media_type);
	free(parsed->artifact_type);
	oci_descriptor_clear(&parsed->config);
	oci_descriptors_clear(&parsed->layers);
	oci_descriptors_clear(&parsed->manifests);
	oci_descriptor_clear(&parsed->subject);
	oci_labels_clear(&parsed->annotations);
	*parsed = (struct oci_parsed)OCI_PARSED_INIT;
}

static int
parse_diff_ids(const struct jsonx_doc *doc, struct oci_config_parsed *config, struct error *err)
{
	const json_t *list = json_object_get(json_object_get(doc->root, "rootfs"), "diff_ids");
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count > MAX_DESCRIPTORS)
		return jsonx_error(doc, err, "rootfs.diff_ids", "is not a list of digests");
	config->diff_ids = xcalloc(count + 1, sizeof(*config->diff_ids));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text == NULL || !oci_digest_parse(text, &config->diff_ids[i])) {
			auto_free char *path = jsonx_path_index("rootfs.diff_ids", i);

			return jsonx_error(doc, err, path, "is not a SHA-256 digest");
		}
		config->diff_id_count++;
	}
	return 0;
}

int
oci_config_parse(const char *name, const char *text, size_t length,
		 struct oci_config_parsed *ret_config, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(oci_config_parsed_clear) struct oci_config_parsed config = {.diff_ids = NULL};

	if (jsonx_parse(name, text, length, &doc, err) < 0)
		return -1;
	if (parse_text(&doc, doc.root, "", "architecture", &config.architecture, err) < 0 ||
	    parse_text(&doc, doc.root, "", "os", &config.os, err) < 0 ||
	    parse_text(&doc, doc.root, "", "variant", &config.variant, err) < 0 ||
	    parse_diff_ids(&doc, &config, err) < 0 ||
	    parse_labels(&doc, json_object_get(json_object_get(doc.root, "config"), "Labels"),
			 "config.Labels", &config.labels, err) < 0)
		return -1;
	*ret_config = config;
	config = (struct oci_config_parsed){.diff_ids = NULL};
	return 0;
}

void
oci_config_parsed_clear(struct oci_config_parsed *config)
{
	free(config->architecture);
	free(config->os);
	free(config->variant);
	free(config->diff_ids);
	oci_labels_clear(&config->labels);
	*config = (struct oci_config_parsed){.diff_ids = NULL};
}
