#include "images/assemble.h"

#include "base/alloc.h"
#include "images/referrers.h"

#include <string.h>

/* One name of the result. */
struct joined {
	const char *name; /* borrowed from a part */
	const struct layout *first;
	bool is_index;
	struct oci_descriptor manifest;  /* not for an index */
	struct oci_descriptors children; /* of an index */
	struct oci_labels annotations;   /* of an index */
	char *media_type;                /* of an index */
};

struct assembly {
	struct layout *layout;
	struct joined *items;
	size_t count;
};

struct copy {
	struct layout *to;
	const struct layout *from;
};

static int
copy_blob(void *context, const struct oci_descriptor *descriptor, struct error *err)
{
	struct copy *copy = context;

	return layout_take_blob(copy->to, copy->from, &descriptor->digest, descriptor->size, err);
}

/* Indexes are made anew. */
static int
copy_document(void *context, const struct oci_descriptor *descriptor,
	      const struct oci_parsed *parsed, struct error *err)
{
	return parsed->manifests.count != 0 ? 0 : copy_blob(context, descriptor, err);
}

static struct joined *
find(struct assembly *assembly, const char *name)
{
	for (size_t i = 0; i < assembly->count; i++)
		if (strcmp(assembly->items[i].name, name) == 0)
			return &assembly->items[i];
	return NULL;
}

static struct joined *
add(struct assembly *assembly, const struct layout_tag *tag, const struct layout *part,
    const struct oci_parsed *parsed)
{
	struct joined *item;

	assembly->items = xgrow(assembly->items, assembly->count, sizeof(*assembly->items));
	item = &assembly->items[assembly->count++];
	item->name = tag->name;
	item->first = part;
	item->is_index = parsed->manifests.count != 0;
	oci_descriptor_copy(&tag->descriptor, &item->manifest);
	item->media_type = xstrdup(tag->descriptor.media_type);
	oci_labels_copy(&item->annotations, &parsed->annotations);
	return item;
}

static bool
same_labels(const struct oci_labels *a, const struct oci_labels *b)
{
	for (size_t i = 0; i < a->count; i++) {
		const char *value = oci_labels_get(b, a->items[i].key);

		if (value == NULL || strcmp(value, a->items[i].value) != 0)
			return false;
	}
	return a->count == b->count;
}

static int
differ(const struct joined *item, const struct layout *part, const char *how, struct error *err)
{
	return error_set(err, ERR_INPUT, "'%s' in '%s' and in '%s' %s", item->name,
			 layout_path(item->first), layout_path(part), how);
}

static int
join_children(struct joined *item, const struct layout *part, const struct oci_parsed *parsed,
	      struct error *err)
{
	for (size_t i = 0; i < parsed->manifests.count; i++) {
		const struct oci_descriptor *child = &parsed->manifests.items[i];
		bool there = false;

		for (size_t j = 0; j < item->children.count && !there; j++)
			there = digest_equal(&item->children.items[j].digest, &child->digest);
		if (child->architecture == NULL)
			return differ(item, part, "has a manifest without a platform", err);
		if (!there)
			oci_descriptor_copy(child, oci_descriptors_add(&item->children));
	}
	return 0;
}

static int
join_tag(struct assembly *assembly, const struct layout *part, const struct layout_tag *tag,
	 struct error *err)
{
	AUTO(oci_parsed_release) struct oci_parsed parsed = OCI_PARSED_INIT;
	struct joined *item = find(assembly, tag->name);

	if (layout_read_parsed(part, &tag->descriptor, &parsed, err) < 0)
		return -1;
	if (item == NULL)
		item = add(assembly, tag, part, &parsed);
	if (item->is_index != (parsed.manifests.count != 0) ||
	    strcmp(item->media_type, tag->descriptor.media_type) != 0)
		return differ(item, part, "are of different kinds", err);
	if (item->is_index && !same_labels(&item->annotations, &parsed.annotations))
		return differ(item, part, "are of different releases", err);
	if (!item->is_index && !digest_equal(&item->manifest.digest, &tag->descriptor.digest))
		return differ(item, part, "are different images", err);
	return item->is_index ? join_children(item, part, &parsed, err) : 0;
}

static int
join_part(struct assembly *assembly, const struct layout *part, struct error *err)
{
	AUTO(layout_tags_release) struct layout_tags wanted = LAYOUT_TAGS_INIT;
	const struct layout_tags *tags = layout_tags(part);
	struct copy copy = {assembly->layout, part};
	const struct layout_visit visit = {copy_blob, copy_document, &copy};

	for (size_t i = 0; i < tags->count; i++) {
		if (referrers_tag_is_any(tags->items[i].name))
			continue;
		if (join_tag(assembly, part, &tags->items[i], err) < 0)
			return -1;
		layout_tags_add(&wanted, tags->items[i].name, &tags->items[i].descriptor);
	}
	return layout_walk(part, &wanted, &visit, err);
}

/* The place of a platform in arch_table, which is the order of every index. */
static size_t
platform_rank(const struct oci_descriptor *child)
{
	for (size_t i = 0; i < arch_count; i++) {
		const char *variant = arch_table[i].oci_variant;

		if (strcmp(arch_table[i].oci, child->architecture) == 0 &&
		    (variant == NULL || child->variant == NULL
			     ? variant == child->variant
			     : strcmp(variant, child->variant) == 0))
			return i;
	}
	return arch_count;
}

static int
compare_children(const void *a, const void *b)
{
	size_t left = platform_rank(a), right = platform_rank(b);

	return (left > right) - (left < right);
}

static int
put_joined(struct assembly *assembly, struct joined *item, struct layout_tags *tags,
	   struct error *err)
{
	AUTO(oci_document_release) struct oci_document index = OCI_DOCUMENT_INIT;
	enum oci_types types = OCI_TYPES_OCI;

	if (!item->is_index) {
		layout_tags_add(tags, item->name, &item->manifest);
		return 0;
	}
	if (strcmp(item->media_type, oci_media_type(OCI_TYPES_DOCKER, OCI_INDEX)) == 0)
		types = OCI_TYPES_DOCKER;
	qsort(item->children.items, item->children.count, sizeof(*item->children.items),
	      compare_children);
	if (oci_index_make(types, &item->children, &item->annotations, &index, err) < 0)
		return error_prefix(err, "index '%s'", item->name);
	if (layout_put(assembly->layout, &index, err) < 0)
		return -1;
	layout_tags_add(tags, item->name, &index.descriptor);
	return 0;
}

static void
assembly_release(struct assembly *assembly)
{
	for (size_t i = 0; i < assembly->count; i++) {
		struct joined *item = &assembly->items[i];

		oci_descriptor_release(&item->manifest);
		oci_descriptors_release(&item->children);
		oci_labels_release(&item->annotations);
		free(item->media_type);
	}
	free(assembly->items);
}

int
assemble_images(struct layout *layout, struct layout *const *parts, size_t count, const char *part,
		bool *ret_changed, struct error *err)
{
	AUTO(assembly_release) struct assembly assembly = {.layout = layout};
	AUTO(layout_tags_release) struct layout_tags tags = LAYOUT_TAGS_INIT;

	for (size_t i = 0; i < count; i++)
		if (join_part(&assembly, parts[i], err) < 0)
			return error_prefix(err, "cannot take over '%s'", layout_path(parts[i]));
	for (size_t i = 0; i < assembly.count; i++)
		if (put_joined(&assembly, &assembly.items[i], &tags, err) < 0)
			return -1;
	layout_keep_signatures(layout, &tags);
	layout_set_part(layout, part);
	return layout_publish(layout, &tags, ret_changed, err);
}
