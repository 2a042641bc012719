/* SPDX-License-Identifier: MIT */
#include "images/signature.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "images/reference.h"
#include "images/referrers.h"

#include <jansson.h>
#include <string.h>

#define PAYLOAD_TYPE  "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGNATURE_KEY "dev.cosignproject.cosign/signature"
#define BUNDLE_TYPE   "application/vnd.dev.sigstore.bundle.v0.3+json"

/* What was signed names one image; more than this is nothing that we have signed. */
#define MAX_PAYLOAD 4096

/* Far more than the names of an image and those of others that push leaves beside them. */
#define MAX_SIGNATURES 1024

/* Others may sign more; what is larger than this is refused by clients, and with it all beside. */
#define MAX_OTHERS_PAYLOAD (1 << 20)

/* What the annotations of a bundle's manifest say, so that clients need not open it. */
#define BUNDLE_CONTENT_KEY   "dev.sigstore.bundle.content"
#define BUNDLE_PREDICATE_KEY "dev.sigstore.bundle.predicateType"
#define BUNDLE_PREDICATE     "https://sigstore.dev/cosign/sign/v1"

static void
subject_clear(struct signature_subject *subject)
{
	oci_descriptor_clear(&subject->descriptor);
	for (size_t i = 0; i < subject->reference_count; i++)
		free(subject->references[i]);
	free(subject->references);
}

void
signature_subjects_clear(struct signature_subjects *subjects)
{
	for (size_t i = 0; i < subjects->count; i++)
		subject_clear(&subjects->items[i]);
	free(subjects->items);
	*subjects = (struct signature_subjects){NULL, 0};
}

void
signature_set_clear(struct signature_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].payload);
		free(set->items[i].signature);
	}
	free(set->items);
	free(set->bundle);
	*set = (struct signature_set){NULL, 0, NULL};
}

struct signature *
signature_set_add(struct signature_set *set)
{
	set->items = xgrow(set->items, set->count, sizeof(*set->items));
	return &set->items[set->count++];
}

char *
signature_tag(const struct digest *subject)
{
	char hex[DIGEST_HEX_SIZE];

	return xasprintf("sha256-%s.sig", digest_hex(subject, hex));
}

char *
signature_fallback_tag(const struct digest *subject)
{
	char hex[DIGEST_HEX_SIZE];

	return xasprintf("sha256-%s", digest_hex(subject, hex));
}

static struct signature_subject *
subject_for(struct signature_subjects *subjects, const struct oci_descriptor *descriptor)
{
	struct signature_subject *subject;

	for (size_t i = 0; i < subjects->count; i++)
		if (digest_equal(&subjects->items[i].descriptor.digest, &descriptor->digest))
			return &subjects->items[i];
	subjects->items = xgrow(subjects->items, subjects->count, sizeof(*subjects->items));
	subject = &subjects->items[subjects->count++];
	subject->descriptor = (struct oci_descriptor){
		.media_type = xstrdup(descriptor->media_type),
		.digest = descriptor->digest,
		.size = descriptor->size,
	};
	return subject;
}

/* Takes the text. */
static void
add_reference(struct signature_subject *subject, char *reference)
{
	for (size_t i = 0; i < subject->reference_count; i++) {
		if (strcmp(subject->references[i], reference) == 0) {
			free(reference);
			return;
		}
	}
	subject->references =
		xgrow(subject->references, subject->reference_count, sizeof(*subject->references));
	subject->references[subject->reference_count++] = reference;
}

/* The image of one tag, and the manifests in it if it is an index. */
static int
list_tag(const struct layout *layout, const struct layout_tag *tag, const char *repository,
	 struct signature_subjects *subjects, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;

	if (layout_read_parsed(layout, &tag->descriptor, &parsed, err) < 0)
		return -1;
	add_reference(subject_for(subjects, &tag->descriptor),
		      xasprintf("%s:%s", repository, tag->name));
	for (size_t i = 0; i < parsed.manifests.count; i++)
		add_reference(subject_for(subjects, &parsed.manifests.items[i]),
			      xasprintf("%s:%s", repository, tag->name));
	return 0;
}

static int
compare_texts(const void *a, const void *b)
{
	char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

int
signature_list_subjects(const struct layout *layout, const char *const *repositories,
			size_t repository_count, struct signature_subjects *ret_subjects,
			struct error *err)
{
	AUTO(signature_subjects_clear) struct signature_subjects subjects = {NULL, 0};
	const struct layout_tags *tags = layout_tags(layout);

	for (size_t r = 0; r < repository_count; r++) {
		AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
		auto_free char *name = NULL;

		if (reference_parse_repository(repositories[r], &reference, err) < 0)
			return -1;
		name = reference_repository(&reference);
		for (size_t i = 0; i < tags->count; i++)
			if (!referrers_tag_is_any(tags->items[i].name) &&
			    list_tag(layout, &tags->items[i], name, &subjects, err) < 0)
				return -1;
	}
	for (size_t i = 0; i < subjects.count; i++)
		qsort(subjects.items[i].references, subjects.items[i].reference_count,
		      sizeof(char *), compare_texts);
	*ret_subjects = subjects;
	subjects = (struct signature_subjects){NULL, 0};
	return 0;
}

int
signature_from_manifest(const struct oci_parsed *manifest,
			int (*read)(void *context, const struct oci_descriptor *layer,
				    char **ret_text, struct error *err),
			void *context, struct signature_set *set, struct error *err)
{
	for (size_t i = 0; i < manifest->layers.count && set->count < MAX_SIGNATURES; i++) {
		const struct oci_descriptor *layer = &manifest->layers.items[i];
		const char *text = oci_labels_get(&layer->annotations, SIGNATURE_KEY);
		struct signature *signature;
		char *payload;

		if (strcmp(layer->media_type, PAYLOAD_TYPE) != 0 || text == NULL ||
		    layer->size > MAX_PAYLOAD)
			continue;
		if (read(context, layer, &payload, err) < 0)
			return -1;
		signature = signature_set_add(set);
		signature->payload = payload;
		signature->signature = xstrdup(text);
	}
	return 0;
}

bool
signature_may_be_bundle(const struct oci_descriptor *referrer)
{
	return referrer->artifact_type == NULL || strcmp(referrer->artifact_type, BUNDLE_TYPE) == 0;
}

bool
signature_is_bundle(const struct oci_parsed *manifest)
{
	return manifest->layers.count == 1 &&
	       strcmp(manifest->layers.items[0].media_type, BUNDLE_TYPE) == 0;
}

static int
read_layer(void *context, const struct oci_descriptor *layer, char **ret_text, struct error *err)
{
	return layout_read(context, layer, ret_text, err);
}

static int
read_bundle(const struct layout *layout, const struct digest *subject, struct signature_set *set,
	    struct error *err)
{
	auto_free char *tag = signature_fallback_tag(subject);
	const struct oci_descriptor *list = layout_tags_find(layout_tags(layout), tag);
	AUTO(oci_parsed_clear) struct oci_parsed index = OCI_PARSED_INIT;

	if (list == NULL)
		return 0;
	if (layout_read_parsed(layout, list, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests.count; i++) {
		AUTO(oci_parsed_clear) struct oci_parsed manifest = OCI_PARSED_INIT;

		if (layout_read_parsed(layout, &index.manifests.items[i], &manifest, err) < 0)
			return -1;
		if (signature_is_bundle(&manifest))
			return layout_read(layout, &manifest.layers.items[0], &set->bundle, err);
	}
	return 0;
}

int
signature_read(const struct layout *layout, const struct digest *subject,
	       struct signature_set *ret_set, struct error *err)
{
	AUTO(signature_set_clear) struct signature_set set = {NULL, 0, NULL};
	auto_free char *tag = signature_tag(subject);
	const struct oci_descriptor *descriptor = layout_tags_find(layout_tags(layout), tag);
	AUTO(oci_parsed_clear) struct oci_parsed manifest = OCI_PARSED_INIT;

	if (descriptor == NULL)
		return 0;
	if (layout_read_parsed(layout, descriptor, &manifest, err) < 0 ||
	    signature_from_manifest(&manifest, read_layer, (void *)(uintptr_t)layout, &set, err) <
		    0 ||
	    read_bundle(layout, subject, &set, err) < 0)
		return -1;
	*ret_set = set;
	set = (struct signature_set){NULL, 0, NULL};
	return 1;
}

/* A blob from memory; its descriptor is handed out. */
static int
put_text(struct layout *layout, const char *text, const char *media_type,
	 struct oci_descriptor *ret_descriptor, struct error *err)
{
	AUTO(oci_document_clear)
	struct oci_document blob = {.text = xstrdup(text), .length = strlen(text)};

	digest_of(text, blob.length, &blob.descriptor.digest);
	blob.descriptor.size = blob.length;
	blob.descriptor.media_type = xstrdup(media_type);
	if (layout_put(layout, &blob, err) < 0)
		return -1;
	oci_descriptor_copy(&blob.descriptor, ret_descriptor);
	return 0;
}

/* A layer is not compressed, so that its digest is its diff_id too. */
static void
make_cosign(const struct oci_descriptors *layers, struct oci_document *ret_config,
	    struct oci_document *ret_manifest)
{
	const char *type = oci_media_type(OCI_MANIFEST);
	json_t *list = json_array(), *diff_ids = json_array();
	char digest[OCI_DIGEST_SIZE];

	for (size_t i = 0; i < layers->count; i++) {
		(void)oci_digest_text(&layers->items[i].digest, digest);
		jsonx_append(list, oci_descriptor_json(&layers->items[i]));
		jsonx_append(diff_ids, jsonx_text(digest));
	}
	oci_document_make(jsonx_pack("{s:s, s:s, s:{}, s:{s:s, s:o}}", "architecture", "", "os", "",
				     "config", "rootfs", "type", "layers", "diff_ids", diff_ids),
			  oci_media_type(OCI_CONFIG), ret_config);
	oci_document_make(jsonx_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", type,
				     "config", oci_descriptor_json(&ret_config->descriptor),
				     "layers", list),
			  type, ret_manifest);
}

static bool
has_layer(const struct oci_descriptors *layers, const struct oci_descriptor *wanted)
{
	const char *signature = oci_labels_get(&wanted->annotations, SIGNATURE_KEY);

	for (size_t i = 0; i < layers->count; i++) {
		const char *seen = oci_labels_get(&layers->items[i].annotations, SIGNATURE_KEY);

		if (seen != NULL && signature != NULL && strcmp(seen, signature) == 0 &&
		    digest_equal(&layers->items[i].digest, &wanted->digest))
			return true;
	}
	return false;
}

bool
signature_others(const struct oci_parsed *theirs, const struct oci_parsed *ours,
		 struct oci_descriptors *others)
{
	bool complete = true;

	for (size_t i = 0; i < theirs->layers.count; i++) {
		const struct oci_descriptor *layer = &theirs->layers.items[i];

		if (strcmp(layer->media_type, PAYLOAD_TYPE) == 0 &&
		    oci_labels_get(&layer->annotations, SIGNATURE_KEY) != NULL &&
		    layer->size <= MAX_OTHERS_PAYLOAD && !has_layer(&ours->layers, layer) &&
		    !has_layer(others, layer))
			oci_descriptor_copy(layer, oci_descriptors_add(others));
	}
	for (size_t i = 0; i < ours->layers.count; i++)
		complete = complete && has_layer(&theirs->layers, &ours->layers.items[i]);
	return complete;
}

void
signature_join(const struct oci_parsed *ours, const struct oci_descriptors *others,
	       struct oci_document *ret_config, struct oci_document *ret_manifest)
{
	struct oci_descriptors all = {NULL, 0};

	for (size_t i = 0; i < ours->layers.count; i++)
		oci_descriptor_copy(&ours->layers.items[i], oci_descriptors_add(&all));
	for (size_t i = 0; i < others->count; i++)
		oci_descriptor_copy(&others->items[i], oci_descriptors_add(&all));
	make_cosign(&all, ret_config, ret_manifest);
	oci_descriptors_clear(&all);
}

static int
put_payloads(struct layout *layout, const struct signature_set *set, struct oci_descriptors *layers,
	     struct error *err)
{
	for (size_t i = 0; i < set->count; i++) {
		AUTO(oci_descriptor_clear) struct oci_descriptor layer = {.media_type = NULL};

		if (put_text(layout, set->items[i].payload, PAYLOAD_TYPE, &layer, err) < 0)
			return -1;
		oci_labels_set(&layer.annotations, SIGNATURE_KEY, set->items[i].signature);
		oci_descriptor_copy(&layer, oci_descriptors_add(layers));
	}
	return 0;
}

static int
write_cosign(struct layout *layout, const struct signature_subject *subject,
	     const struct signature_set *set, struct layout_tags *tags, struct error *err)
{
	auto_free char *tag = signature_tag(&subject->descriptor.digest);
	AUTO(oci_descriptors_clear) struct oci_descriptors layers = {NULL, 0};
	AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;

	if (put_payloads(layout, set, &layers, err) < 0)
		return -1;
	make_cosign(&layers, &config, &manifest);
	if (layout_put(layout, &config, err) < 0 || layout_put(layout, &manifest, err) < 0)
		return -1;
	layout_tags_add(tags, tag, &manifest.descriptor);
	return 0;
}

static void
bundle_manifest(const struct signature_subject *subject, const struct oci_descriptor *empty,
		const struct oci_descriptor *bundle, int64_t created_sec,
		struct oci_document *ret_manifest)
{
	const char *type = oci_media_type(OCI_MANIFEST);
	auto_free char *created = oci_time_text(created_sec);
	struct oci_descriptor *made = &ret_manifest->descriptor;

	oci_document_make(jsonx_pack("{s:i, s:s, s:s, s:o, s:[o], s:o, s:{s:s, s:s, s:s}}",
				     "schemaVersion", 2, "mediaType", type, "artifactType",
				     BUNDLE_TYPE, "config", oci_descriptor_json(empty), "layers",
				     oci_descriptor_json(bundle), "subject",
				     oci_descriptor_json(&subject->descriptor), "annotations",
				     BUNDLE_CONTENT_KEY, "dsse-envelope", BUNDLE_PREDICATE_KEY,
				     BUNDLE_PREDICATE, "org.opencontainers.image.created", created),
			  type, ret_manifest);
	made->artifact_type = xstrdup(BUNDLE_TYPE);
	oci_labels_set(&made->annotations, BUNDLE_CONTENT_KEY, "dsse-envelope");
	oci_labels_set(&made->annotations, BUNDLE_PREDICATE_KEY, BUNDLE_PREDICATE);
	oci_labels_set(&made->annotations, "org.opencontainers.image.created", created);
}

static int
write_bundle(struct layout *layout, const struct signature_subject *subject, const char *text,
	     int64_t created_sec, struct layout_tags *tags, struct error *err)
{
	AUTO(oci_descriptor_clear) struct oci_descriptor bundle = {.media_type = NULL};
	AUTO(oci_descriptor_clear) struct oci_descriptor empty = {.media_type = NULL};
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document list = OCI_DOCUMENT_INIT;
	auto_free char *tag = signature_fallback_tag(&subject->descriptor.digest);
	struct oci_descriptors entries = {&manifest.descriptor, 1};

	if (put_text(layout, text, BUNDLE_TYPE, &bundle, err) < 0 ||
	    put_text(layout, "{}", OCI_EMPTY_MEDIA_TYPE, &empty, err) < 0)
		return -1;
	bundle_manifest(subject, &empty, &bundle, created_sec, &manifest);
	referrers_make(&entries, &list);
	if (layout_put(layout, &manifest, err) < 0 || layout_put(layout, &list, err) < 0)
		return -1;
	layout_tags_add(tags, tag, &list.descriptor);
	return 0;
}

int
signature_write(struct layout *layout, const struct signature_subject *subject,
		const struct signature_set *set, int64_t created_sec, struct layout_tags *tags,
		struct error *err)
{
	if (write_cosign(layout, subject, set, tags, err) < 0)
		return -1;
	return set->bundle != NULL
		       ? write_bundle(layout, subject, set->bundle, created_sec, tags, err)
		       : 0;
}
