#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "distributor/reproducing_internal.h"
#include "images/digest_set.h"
#include "images/referrers.h"
#include "pack/difference.h"

#include <string.h>

static int
read_blob(const struct layout *layout, const struct oci_descriptor *descriptor, char **ret_text,
	  size_t *ret_length)
{
	auto_free char *path = layout_blob_path(layout, &descriptor->digest);
	struct error ignored = ERROR_INIT;

	return read_file(path, MAX_EXPLAINED, ret_text, ret_length, &ignored);
}

/* Two blobs by their content, to be freed by the caller. */
static char *
explain_blob(const struct reproduction *p, const struct layout *made, const char *what,
	     const struct oci_descriptor *ours, const struct oci_descriptor *theirs)
{
	auto_free char *a = NULL, *b = NULL, *inner = NULL;
	struct bytes first, second;

	if (read_blob(made, ours, &a, &first.length) < 0 ||
	    read_blob(p->published_images, theirs, &b, &second.length) < 0)
		return xstrdup(what);
	first.data = (const uint8_t *)a;
	second.data = (const uint8_t *)b;
	inner = difference_explain(&first, &second, NULL);
	return xasprintf("%s, %s", what, inner != NULL ? inner : "which is damaged");
}

static char *explain_image(const struct reproduction *p, const struct layout *made,
			   const struct oci_descriptor *ours, const struct oci_descriptor *theirs);

/* The image of an index that differs first, with the reason. */
static char *
explain_index(const struct reproduction *p, const struct layout *made,
	      const struct oci_descriptors *ours, const struct oci_descriptors *theirs)
{
	for (size_t i = 0; i < ours->count && i < theirs->count; i++) {
		const struct oci_descriptor *a = &ours->items[i], *b = &theirs->items[i];
		auto_free char *inner = NULL;

		if (digest_equal(&a->digest, &b->digest))
			continue;
		inner = explain_image(p, made, a, b);
		return xasprintf("image %zu of the index: %s", i + 1, inner);
	}
	return NULL;
}

static char *
explain_image(const struct reproduction *p, const struct layout *made,
	      const struct oci_descriptor *ours, const struct oci_descriptor *theirs)
{
	AUTO(oci_parsed_release) struct oci_parsed a = OCI_PARSED_INIT, b = OCI_PARSED_INIT;
	struct error ignored = ERROR_INIT;
	char *inner = NULL;

	if (layout_read_parsed(made, ours, &a, &ignored) < 0 ||
	    layout_read_parsed(p->published_images, theirs, &b, &ignored) < 0)
		return xstrdup(ignored.message);
	if (a.manifests.count != 0)
		inner = explain_index(p, made, &a.manifests, &b.manifests);
	for (size_t i = 0; inner == NULL && i < a.layers.count && i < b.layers.count; i++)
		if (!digest_equal(&a.layers.items[i].digest, &b.layers.items[i].digest))
			inner = explain_blob(p, made, "layer", &a.layers.items[i],
					     &b.layers.items[i]);
	if (inner == NULL && a.has_config && b.has_config &&
	    !digest_equal(&a.config.digest, &b.config.digest))
		inner = explain_blob(p, made, "config", &a.config, &b.config);
	return inner != NULL ? inner : explain_blob(p, made, "manifest", ours, theirs);
}

static char *
explain_tag(const struct reproduction *p, const struct layout *made, const char *tag,
	    const struct oci_descriptor *ours, const struct digest *theirs)
{
	char a[OCI_DIGEST_SIZE], b[OCI_DIGEST_SIZE];
	const struct oci_descriptor *published =
		p->published_images != NULL
			? layout_tags_find(layout_tags(p->published_images), tag)
			: NULL;

	if (published != NULL && digest_equal(&published->digest, theirs))
		return explain_image(p, made, ours, published);
	return xasprintf("%s was made, not %s", oci_digest_text(&ours->digest, a),
			 oci_digest_text(theirs, b));
}

/* The published layout, and which of its blobs have been compared with their names. */
struct look {
	const struct reproduction *p;
	const struct layout *made;
	struct digest_set good;
};

static void
look_release(struct look *look)
{
	digest_set_release(&look->good);
}

static int
look_at_blob(void *context, const struct oci_descriptor *blob, struct error *err)
{
	struct look *look = context;
	auto_free char *where = NULL;

	/* Most layers are in several images. */
	if (digest_set_has(&look->good, &blob->digest))
		return 0;
	if (interrupt_check(err) < 0)
		return -1;
	if (layout_has(look->p->published_images, &blob->digest, blob->size, true)) {
		(void)digest_set_add(&look->good, &blob->digest);
		return 0;
	}
	where = explain_blob(look->p, look->made, "a blob is missing or damaged", blob, blob);
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
 * Whether the layout has under this name what release.json says, whole. ERR_VERIFY says what not.
 */
static int
look_at_tag(struct look *look, const char *tag, const struct digest *listed, struct error *err)
{
	const struct layout *layout = look->p->published_images;
	const struct oci_descriptor *there = layout_tags_find(layout_tags(layout), tag);
	const struct layout_visit visit = {look_at_blob, look_at_document, look};
	AUTO(layout_tags_release) struct layout_tags one = LAYOUT_TAGS_INIT;
	char text[OCI_DIGEST_SIZE];

	if (there == NULL)
		return error_set(err, ERR_VERIFY, "it is not in '%s'", layout_path(layout));
	if (!digest_equal(&there->digest, listed))
		return error_set(err, ERR_VERIFY, "'%s' has %s under this name",
				 layout_path(layout), oci_digest_text(&there->digest, text));
	layout_tags_add(&one, tag, there);
	return layout_walk(layout, &one, &visit, err);
}

static int
compare_tag(struct look *look, const char *tag, const struct digest *theirs, struct error *err)
{
	struct reproducing *result = look->p->result;
	const struct oci_descriptor *ours = layout_tags_find(layout_tags(look->made), tag);
	auto_free char *name = xasprintf("image %s", tag);

	if (ours == NULL) {
		reproducing_add(result, TAKE(name), REPRODUCED_EXTRA, xstrdup("it was not made"));
	} else if (!digest_equal(&ours->digest, theirs)) {
		reproducing_add(result, TAKE(name), REPRODUCED_DIFFERS,
				explain_tag(look->p, look->made, tag, ours, theirs));
	} else if (look->p->published_images != NULL && look_at_tag(look, tag, theirs, err) < 0) {
		if (err->code == ERR_INTERRUPTED)
			return -1;
		reproducing_add(result, TAKE(name), REPRODUCED_DIFFERS, xstrdup(err->message));
	} else {
		reproducing_add(result, TAKE(name), REPRODUCED_SAME, NULL);
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
			reproducing_add(p->result, TAKE(name), REPRODUCED_EXTRA,
					xstrdup("release.json does not list it"));
	}
}

int
reproducing_compare_images(struct reproduction *p, struct error *err)
{
	AUTO(layout_freep) struct layout *made = NULL;
	AUTO(look_release) struct look look = {.p = p, .good = DIGEST_SET_INIT};
	auto_free char *path = path_join(p->out, "images");
	struct digest digest;
	const char *tag;
	int found;

	if (layout_open(path, &made, err) < 0)
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
