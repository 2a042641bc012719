/* SPDX-License-Identifier: MIT */
#include "distributor/steps/reproduce_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "images/digest_set.h"
#include "images/referrers.h"
#include "pack/difference.h"

#include <string.h>

/* Whether it is the images that are wrong, and not this machine that cannot look at them. */
static bool
is_of_the_images(const struct error *err)
{
	return err->code == ERR_VERIFY || err->code == ERR_NOT_FOUND || err->code == ERR_INPUT;
}

/* A blob as it is, if it is not too large; 1 read, 0 not to be had, -1. */
static int
read_blob(const struct layout *layout, const struct oci_descriptor *descriptor, char **ret_text,
	  struct bytes *ret_bytes, struct error *err)
{
	auto_free char *path = layout_blob_path(layout, &descriptor->digest);

	if (read_file(path, MAX_EXPLAINED, ret_text, &ret_bytes->length, err) < 0)
		return is_of_the_images(err) ? 0 : -1;
	ret_bytes->data = (const uint8_t *)*ret_text;
	return 1;
}

/*
 * The functions below say where two things differ, in a text to be freed by the caller. What is
 * missing or damaged is such a place as well; only other errors are errors.
 */
static int
explain_blob(const struct reproduction *p, const struct layout *made, const char *what,
	     const struct oci_descriptor *ours, const struct oci_descriptor *theirs,
	     char **ret_text, struct error *err)
{
	auto_free char *a = NULL, *b = NULL, *inner = NULL;
	struct bytes first, second;
	int found = read_blob(made, ours, &a, &first, err);

	if (found > 0)
		found = read_blob(p->published_images, theirs, &b, &second, err);
	if (found < 0)
		return -1;
	if (found == 0) {
		*ret_text = xstrdup(what);
		return 0;
	}
	inner = difference_explain(&first, &second, NULL);
	*ret_text = xasprintf("%s, %s", what, inner != NULL ? inner : "which is corrupt");
	return 0;
}

static int explain_image(const struct reproduction *p, const struct layout *made,
			 const struct oci_descriptor *ours, const struct oci_descriptor *theirs,
			 char **ret_text, struct error *err);

/* The image of an index that differs first, with the reason; or NULL. */
static int
explain_index(const struct reproduction *p, const struct layout *made,
	      const struct oci_descriptors *ours, const struct oci_descriptors *theirs,
	      char **ret_text, struct error *err)
{
	for (size_t i = 0; i < ours->count && i < theirs->count; i++) {
		const struct oci_descriptor *a = &ours->items[i], *b = &theirs->items[i];
		auto_free char *inner = NULL;

		if (digest_equal(&a->digest, &b->digest))
			continue;
		if (explain_image(p, made, a, b, &inner, err) < 0)
			return -1;
		*ret_text = xasprintf("image %zu of the index: %s", i + 1, inner);
		return 0;
	}
	*ret_text = NULL;
	return 0;
}

/* What differs between two documents that can be read. */
static int
explain_documents(const struct reproduction *p, const struct layout *made,
		  const struct oci_parsed *a, const struct oci_parsed *b, char **ret_text,
		  struct error *err)
{
	*ret_text = NULL;
	if (a->manifests.count != 0 &&
	    explain_index(p, made, &a->manifests, &b->manifests, ret_text, err) < 0)
		return -1;
	if (*ret_text != NULL)
		return 0;
	for (size_t i = 0; i < a->layers.count && i < b->layers.count; i++)
		if (!digest_equal(&a->layers.items[i].digest, &b->layers.items[i].digest))
			return explain_blob(p, made, "layer", &a->layers.items[i],
					    &b->layers.items[i], ret_text, err);
	if (a->has_config && b->has_config && !digest_equal(&a->config.digest, &b->config.digest))
		return explain_blob(p, made, "config", &a->config, &b->config, ret_text, err);
	return 0;
}

static int
explain_image(const struct reproduction *p, const struct layout *made,
	      const struct oci_descriptor *ours, const struct oci_descriptor *theirs,
	      char **ret_text, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed a = OCI_PARSED_INIT, b = OCI_PARSED_INIT;

	if (layout_read_parsed(made, ours, &a, err) < 0 ||
	    layout_read_parsed(p->published_images, theirs, &b, err) < 0) {
		if (!is_of_the_images(err))
			return -1;
		*ret_text = xstrdup(err->message);
		return 0;
	}
	if (explain_documents(p, made, &a, &b, ret_text, err) < 0)
		return -1;
	return *ret_text != NULL ? 0
				 : explain_blob(p, made, "manifest", ours, theirs, ret_text, err);
}

static int
explain_tag(const struct reproduction *p, const struct layout *made, const char *tag,
	    const struct oci_descriptor *ours, const struct digest *theirs, char **ret_text,
	    struct error *err)
{
	char a[OCI_DIGEST_SIZE], b[OCI_DIGEST_SIZE];
	const struct oci_descriptor *published =
		p->published_images != NULL
			? layout_tags_find(layout_tags(p->published_images), tag)
			: NULL;

	if (published != NULL && digest_equal(&published->digest, theirs))
		return explain_image(p, made, ours, published, ret_text, err);
	*ret_text = xasprintf("rebuilt as %s, published as %s", oci_digest_text(&ours->digest, a),
			      oci_digest_text(theirs, b));
	return 0;
}

/* The published layout, and which of its blobs have been compared with their names. */
struct look {
	const struct reproduction *p;
	const struct layout *made;
	struct digest_set good;
};

static void
look_clear(struct look *look)
{
	digest_set_clear(&look->good);
}

static int
look_at_blob(void *context, const struct oci_descriptor *blob, struct error *err)
{
	struct look *look = context;
	const struct layout *published = look->p->published_images;
	auto_free char *path = layout_blob_path(published, &blob->digest), *where = NULL;
	struct digest seen;
	uint64_t size;

	/* Most layers are in several images. */
	if (digest_set_has(&look->good, &blob->digest))
		return 0;
	if (interrupt_check(err) < 0)
		return -1;
	if (digest_file(path, &seen, &size, err) < 0) {
		if (!is_of_the_images(err))
			return -1;
	} else if (size == blob->size && digest_equal(&seen, &blob->digest)) {
		(void)digest_set_add(&look->good, &blob->digest);
		return 0;
	}
	if (explain_blob(look->p, look->made, "a blob is missing or corrupt", blob, blob, &where,
			 err) < 0)
		return -1;
	return error_set(err, ERR_VERIFY, "%s", where);
}

static int
look_at_document(void *context, const struct oci_descriptor *descriptor,
		 const struct oci_parsed *parsed, struct error *err)
{
	(void)context;
	(void)descriptor;
	(void)parsed;
	return interrupt_check(err);
}

/*
 * Whether the layout has under this name what release.json says, whole. What of it is missing or
 * damaged is ERR_VERIFY, ERR_NOT_FOUND or ERR_INPUT.
 */
static int
look_at_tag(struct look *look, const char *tag, const struct digest *listed, struct error *err)
{
	const struct layout *layout = look->p->published_images;
	const struct oci_descriptor *there = layout_tags_find(layout_tags(layout), tag);
	const struct layout_visit visit = {look_at_blob, look_at_document, look};
	AUTO(layout_tags_clear) struct layout_tags one = LAYOUT_TAGS_INIT;
	char text[OCI_DIGEST_SIZE];

	if (there == NULL)
		return error_set(err, ERR_VERIFY, "missing in '%s'", layout_path(layout));
	if (!digest_equal(&there->digest, listed))
		return error_set(err, ERR_VERIFY, "'%s' has %s under this name",
				 layout_path(layout), oci_digest_text(&there->digest, text));
	layout_tags_add(&one, tag, there);
	return layout_walk(layout, &one, &visit, err);
}

static int
compare_tag(struct look *look, const char *tag, const struct digest *theirs, struct error *err)
{
	struct step_reproduce *result = look->p->result;
	const struct oci_descriptor *ours = layout_tags_find(layout_tags(look->made), tag);
	auto_free char *name = xasprintf("image %s", tag), *where = NULL;

	if (ours == NULL) {
		step_reproduce_add(result, TAKE(name), REPRODUCED_EXTRA,
				   xstrdup("not produced by the rebuild"));
	} else if (!digest_equal(&ours->digest, theirs)) {
		if (explain_tag(look->p, look->made, tag, ours, theirs, &where, err) < 0)
			return error_prefix(err, "%s", name);
		step_reproduce_add(result, TAKE(name), REPRODUCED_DIFFERS, TAKE(where));
	} else if (look->p->published_images != NULL && look_at_tag(look, tag, theirs, err) < 0) {
		if (!is_of_the_images(err))
			return -1;
		step_reproduce_add(result, TAKE(name), REPRODUCED_DIFFERS, xstrdup(err->message));
	} else {
		step_reproduce_add(result, TAKE(name), REPRODUCED_SAME, NULL);
	}
	return 0;
}

/* Names in the layout that nothing was compared under. */
static void
add_unlisted(const struct reproduction *p)
{
	const struct layout_tags *tags = layout_tags(p->published_images);
	size_t compared = p->result->count;

	for (size_t i = 0; i < tags->count; i++) {
		auto_free char *name = xasprintf("image %s", tags->items[i].name);
		/* Signatures lie in the layout too. */
		bool listed = referrers_tag_is_any(tags->items[i].name);

		for (size_t j = 0; j < compared && !listed; j++)
			listed = strcmp(p->result->rows[j].name, name) == 0;
		if (!listed)
			step_reproduce_add(p->result, TAKE(name), REPRODUCED_EXTRA,
					   xstrdup("not listed in release.json"));
	}
}

int
step_reproduce_compare_images(struct reproduction *p, struct error *err)
{
	AUTO(layout_freep) struct layout *made = NULL;
	AUTO(look_clear) struct look look = {.p = p, .good = DIGEST_SET_INIT};
	auto_free char *path = path_join(p->out, "images");
	struct digest digest;
	const char *tag;
	int found;

	if (layout_open(path, "distributor images", &made, err) < 0)
		return -1;
	look.made = made;
	for (size_t i = 0; (found = release_origin_image(&p->origin, i, &tag, &digest, err)) > 0;
	     i++)
		if (compare_tag(&look, tag, &digest, err) < 0)
			return -1;
	if (found == 0 && p->published_images != NULL)
		add_unlisted(p);
	return found;
}
