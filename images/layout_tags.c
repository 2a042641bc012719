/* SPDX-License-Identifier: MIT */
#include "images/layout.h"

#include "base/alloc.h"
#include "base/jsonx.h"

#include <jansson.h>
#include <string.h>

/* Marks an index.json as ours, so that what we did not make is neither replaced nor removed. */
#define MARK_KEY   "distributor.layout"
#define MARK_VALUE "1"
#define PART_KEY   "distributor.part"

void
layout_tags_add(struct layout_tags *tags, const char *name, const struct oci_descriptor *descriptor)
{
	struct layout_tag *tag;

	tags->items = xgrow(tags->items, tags->count, sizeof(*tags->items));
	tag = &tags->items[tags->count++];
	tag->name = xstrdup(name);
	tag->descriptor = (struct oci_descriptor){
		.media_type = xstrdup(descriptor->media_type),
		.digest = descriptor->digest,
		.size = descriptor->size,
	};
}

const struct oci_descriptor *
layout_tags_find(const struct layout_tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->count; i++)
		if (strcmp(tags->items[i].name, name) == 0)
			return &tags->items[i].descriptor;
	return NULL;
}

void
layout_tags_clear(struct layout_tags *tags)
{
	for (size_t i = 0; i < tags->count; i++) {
		free(tags->items[i].name);
		oci_descriptor_clear(&tags->items[i].descriptor);
	}
	free(tags->items);
	*tags = (struct layout_tags)LAYOUT_TAGS_INIT;
}

bool
layout_index_is_ours(const struct oci_labels *annotations)
{
	const char *mark = oci_labels_get(annotations, MARK_KEY);

	return mark != NULL && strcmp(mark, MARK_VALUE) == 0;
}

const char *
layout_index_part(const struct oci_labels *annotations)
{
	return oci_labels_get(annotations, PART_KEY);
}

static int
compare_tag_names(const void *a, const void *b)
{
	const struct layout_tag *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

char *
layout_index_format(const struct layout_tags *tags, const char *part)
{
	const struct layout_tag **order = xcalloc(tags->count + 1, sizeof(*order));
	json_t *list = json_array(), *root;
	char *text;

	for (size_t i = 0; i < tags->count; i++)
		order[i] = &tags->items[i];
	qsort(order, tags->count, sizeof(const struct layout_tag *), compare_tag_names);
	for (size_t i = 0; i < tags->count; i++) {
		json_t *entry = oci_descriptor_json(&order[i]->descriptor);

		jsonx_set(entry, "annotations", jsonx_pack("{s:s}", OCI_REF_NAME, order[i]->name));
		jsonx_append(list, entry);
	}
	free(order);
	root = jsonx_pack("{s:i, s:s, s:o, s:{s:s, s:s*}}", "schemaVersion", 2, "mediaType",
			  oci_media_type(OCI_INDEX), "manifests", list, "annotations", MARK_KEY,
			  MARK_VALUE, PART_KEY, part);
	text = jsonx_compact(root);
	json_decref(root);
	return text;
}
