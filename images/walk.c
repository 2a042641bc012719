/* SPDX-License-Identifier: MIT */
#include "images/layout.h"

#include "images/digest_set.h"
#include "images/referrers.h"

struct walk {
	const struct layout *layout;
	const struct layout_visit *visit;
	struct digest_set seen;
	struct digest_set indexes; /* those of them that are indexes */
};

static int
visit_blob(struct walk *walk, const struct oci_descriptor *descriptor, struct error *err)
{
	if (!digest_set_add(&walk->seen, &descriptor->digest))
		return 0;
	return walk->visit->blob(walk->visit->context, descriptor, err);
}

/* `depth` counts how many indexes may still lie inside each other: one is what clients know. */
static int
visit_document(struct walk *walk, const struct oci_descriptor *descriptor, int depth,
	       struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
	bool seen = digest_set_has(&walk->seen, &descriptor->digest);
	char name[OCI_DIGEST_SIZE];

	if (!seen && layout_read_parsed(walk->layout, descriptor, &parsed, err) < 0)
		return -1;
	if (parsed.manifests.count != 0)
		(void)digest_set_add(&walk->indexes, &descriptor->digest);
	if (depth == 0 && digest_set_has(&walk->indexes, &descriptor->digest))
		return error_set(err, ERR_INPUT, "'%s' is an index inside an index",
				 oci_digest_text(&descriptor->digest, name));
	if (seen)
		return 0;
	for (size_t i = 0; i < parsed.manifests.count; i++)
		if (visit_document(walk, &parsed.manifests.items[i], depth - 1, err) < 0)
			return -1;
	if (parsed.has_config && visit_blob(walk, &parsed.config, err) < 0)
		return -1;
	for (size_t i = 0; i < parsed.layers.count; i++)
		if (visit_blob(walk, &parsed.layers.items[i], err) < 0)
			return -1;
	(void)digest_set_add(&walk->seen, &descriptor->digest);
	return walk->visit->document(walk->visit->context, descriptor, &parsed, err);
}

int
layout_walk(const struct layout *layout, const struct layout_tags *tags,
	    const struct layout_visit *visit, struct error *err)
{
	struct walk walk = {layout, visit, DIGEST_SET_INIT, DIGEST_SET_INIT};
	int result = 0;

	for (size_t i = 0; i < tags->count && result == 0; i++) {
		result = visit_document(&walk, &tags->items[i].descriptor, 1, err);
		if (result < 0)
			error_prefix(err, "image '%s'", tags->items[i].name);
	}
	digest_set_clear(&walk.seen);
	digest_set_clear(&walk.indexes);
	return result;
}

static int
note_blob(void *context, const struct oci_descriptor *descriptor, struct error *err)
{
	(void)context;
	(void)descriptor;
	(void)err;
	return 0;
}

static int
note_document(void *context, const struct oci_descriptor *descriptor,
	      const struct oci_parsed *parsed, struct error *err)
{
	struct digest_set *documents = context;

	(void)parsed;
	(void)err;
	(void)digest_set_add(documents, &descriptor->digest);
	return 0;
}

void
layout_keep_signatures(const struct layout *layout, struct layout_tags *tags)
{
	AUTO(digest_set_clear) struct digest_set documents = DIGEST_SET_INIT;
	const struct layout_visit visit = {note_blob, note_document, &documents};
	const struct layout_tags *old = layout_tags(layout);
	struct error ignored = ERROR_INIT;
	struct digest subject;

	/* What is damaged is found by layout_publish(). */
	(void)(layout_walk(layout, tags, &visit, &ignored) < 0);
	for (size_t i = 0; i < old->count; i++)
		if (referrers_tag_subject(old->items[i].name, &subject) &&
		    digest_set_has(&documents, &subject))
			layout_tags_add(tags, old->items[i].name, &old->items[i].descriptor);
}
