/* SPDX-License-Identifier: MIT */
#include "images/part.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/interrupt.h"
#include "base/jsonx.h"
#include "images/digest_set.h"

#include <string.h>
#include <sys/stat.h>

/* An index over the hosts of the part, as a run for them makes it. */
struct part_index {
	char *name;
	struct oci_document document;
};

struct comparison {
	const struct image_part *part;
	const struct layout *made;
	struct oci_descriptors images; /* of the hosts of the part, with their platforms */
	struct part_index *indexes;
	size_t index_count;
	struct layout_tags expected; /* what the part has to have */
	struct digest_set blobs;     /* the files that it may have */
};

static void
comparison_clear(struct comparison *c)
{
	for (size_t i = 0; i < c->index_count; i++) {
		free(c->indexes[i].name);
		oci_document_clear(&c->indexes[i].document);
	}
	free(c->indexes);
	oci_descriptors_clear(&c->images);
	layout_tags_clear(&c->expected);
	digest_set_clear(&c->blobs);
}

static bool
same_or_none(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_of_part(const struct comparison *c, const struct oci_descriptor *image)
{
	for (size_t i = 0; i < c->part->host_count; i++)
		if (same_or_none(image->architecture, c->part->hosts[i]->oci) &&
		    same_or_none(image->variant, c->part->hosts[i]->oci_variant))
			return true;
	return false;
}

/* The index of that name without the images of other hosts; none if nothing is left. */
static int
add_part_index(struct comparison *c, const struct layout_tag *tag, const struct oci_parsed *whole,
	       struct error *err)
{
	struct oci_descriptors left = {NULL, 0};
	struct oci_document document = OCI_DOCUMENT_INIT;
	int result = 0;

	for (size_t i = 0; i < whole->manifests.count; i++) {
		const struct oci_descriptor *image = &whole->manifests.items[i];

		if (!is_of_part(c, image))
			continue;
		oci_descriptor_copy(image, oci_descriptors_add(&left));
		oci_descriptor_copy(image, oci_descriptors_add(&c->images));
	}
	if (left.count != 0)
		result = oci_index_make(&left, &whole->annotations, &document, err);
	if (left.count != 0 && result == 0) {
		layout_tags_add(&c->expected, tag->name, &document.descriptor);
		c->indexes = xgrow(c->indexes, c->index_count, sizeof(*c->indexes));
		c->indexes[c->index_count++] = (struct part_index){xstrdup(tag->name), document};
	}
	oci_descriptors_clear(&left);
	return result;
}

static bool
has_image(const struct comparison *c, const struct digest *digest)
{
	for (size_t i = 0; i < c->images.count; i++)
		if (digest_equal(&c->images.items[i].digest, digest))
			return true;
	return false;
}

/* Every image is in some index, which tells its platform. */
static int
expect(struct comparison *c, const struct layout_tags *tags, struct error *err)
{
	for (size_t i = 0; i < tags->count; i++) {
		AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;

		if (layout_read_parsed(c->made, &tags->items[i].descriptor, &parsed, err) < 0)
			return -1;
		if (parsed.manifests.count != 0 &&
		    add_part_index(c, &tags->items[i], &parsed, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < tags->count; i++)
		if (has_image(c, &tags->items[i].descriptor.digest))
			layout_tags_add(&c->expected, tags->items[i].name,
					&tags->items[i].descriptor);
	return 0;
}

/* `what` is in both layouts, and JSON. */
static int
documents_do_not_match(const struct comparison *c, const char *what, const char *found,
		       const char *expected, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc theirs = JSONX_DOC_INIT, ours = JSONX_DOC_INIT;
	auto_free char *where = NULL;

	if (jsonx_parse(what, found, strlen(found), &theirs, err) < 0 ||
	    jsonx_parse(what, expected, strlen(expected), &ours, err) < 0) {
		err->code = ERR_VERIFY;
		return error_prefix(err, "the part '%s'", c->part->name);
	}
	where = jsonx_difference(theirs.root, ours.root);
	return error_set(err, ERR_VERIFY, "%s in the part '%s' does not match: %s", what,
			 c->part->name,
			 where != NULL ? where : "the text differs, but not its meaning");
}

static int
documents_differ(const struct comparison *c, const char *what, const struct oci_descriptor *found,
		 const struct oci_descriptor *expected, struct error *err)
{
	auto_free char *theirs = NULL, *ours = NULL;

	if (layout_read(c->part->layout, found, &theirs, err) < 0 ||
	    layout_read(c->made, expected, &ours, err) < 0)
		return error_prefix(err, "the part '%s'", c->part->name);
	return documents_do_not_match(c, what, theirs, ours, err);
}

/* The option changes every image of a part. */
static int
compressed_otherwise(const struct comparison *c, const struct oci_descriptor *found,
		     const struct oci_descriptor *expected, struct error *err)
{
	return error_set(
		err, ERR_INPUT,
		"the part '%s' has media type %s, expected %s: use '--zstd' for all parts and "
		"'assemble', or for none",
		c->part->name, found->media_type, expected->media_type);
}

static int
images_differ(const struct comparison *c, const char *tag, const struct oci_descriptor *found,
	      const struct oci_descriptor *expected, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed theirs = OCI_PARSED_INIT, ours = OCI_PARSED_INIT;
	auto_free char *config = xasprintf("the config of the image '%s'", tag);
	auto_free char *manifest = xasprintf("the manifest of the image '%s'", tag);

	if (layout_read_parsed(c->part->layout, found, &theirs, err) < 0 ||
	    layout_read_parsed(c->made, expected, &ours, err) < 0)
		return error_prefix(err, "the part '%s'", c->part->name);
	if (theirs.layers.count != 0 && ours.layers.count != 0 &&
	    !same_or_none(theirs.layers.items[0].media_type, ours.layers.items[0].media_type))
		return compressed_otherwise(c, &theirs.layers.items[0], &ours.layers.items[0], err);
	if (theirs.has_config && ours.has_config &&
	    !digest_equal(&theirs.config.digest, &ours.config.digest))
		return documents_differ(c, config, &theirs.config, &ours.config, err);
	return documents_differ(c, manifest, found, expected, err);
}

static const struct oci_document *
find_index(const struct comparison *c, const char *tag)
{
	for (size_t i = 0; i < c->index_count; i++)
		if (strcmp(c->indexes[i].name, tag) == 0)
			return &c->indexes[i].document;
	return NULL;
}

/* Looks for an image in it that differs, or else at the index itself. */
static int
indexes_differ(const struct comparison *c, const char *tag, const struct oci_descriptor *found,
	       const struct oci_document *expected, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed theirs = OCI_PARSED_INIT, ours = OCI_PARSED_INIT;
	auto_free char *what = xasprintf("the index '%s'", tag);
	auto_free char *text = NULL;

	if (layout_read_parsed(c->part->layout, found, &theirs, err) < 0 ||
	    layout_read(c->part->layout, found, &text, err) < 0 ||
	    oci_parse(what, expected->text, expected->length, &ours, err) < 0)
		return error_prefix(err, "the part '%s'", c->part->name);
	for (size_t i = 0; i < ours.manifests.count && i < theirs.manifests.count; i++) {
		const struct oci_descriptor *a = &theirs.manifests.items[i],
					    *b = &ours.manifests.items[i];

		if (!digest_equal(&a->digest, &b->digest) &&
		    same_or_none(a->architecture, b->architecture) &&
		    same_or_none(a->media_type, b->media_type))
			return images_differ(c, tag, a, b, err);
	}
	return documents_do_not_match(c, what, text, expected->text, err);
}

static int
tags_differ(const struct comparison *c, const char *tag, const struct oci_descriptor *found,
	    const struct oci_descriptor *expected, struct error *err)
{
	const struct oci_document *index = find_index(c, tag);

	return index != NULL ? indexes_differ(c, tag, found, index, err)
			     : images_differ(c, tag, found, expected, err);
}

static int
check_tags(const struct comparison *c, struct error *err)
{
	const struct layout_tags *tags = layout_tags(c->part->layout);

	for (size_t i = 0; i < tags->count; i++) {
		const struct layout_tag *tag = &tags->items[i];
		const struct oci_descriptor *expected = layout_tags_find(&c->expected, tag->name);

		if (expected == NULL)
			return error_set(
				err, ERR_VERIFY,
				"the part '%s' has image '%s', which is not for one of its hosts",
				c->part->name, tag->name);
		if (!digest_equal(&tag->descriptor.digest, &expected->digest) ||
		    tag->descriptor.size != expected->size)
			return tags_differ(c, tag->name, &tag->descriptor, expected, err);
	}
	for (size_t i = 0; i < c->expected.count; i++)
		if (layout_tags_find(tags, c->expected.items[i].name) == NULL)
			return error_set(err, ERR_VERIFY, "the part '%s' has no image '%s'",
					 c->part->name, c->expected.items[i].name);
	return 0;
}

static int
check_blob(void *context, const struct oci_descriptor *descriptor, struct error *err)
{
	struct comparison *c = context;
	auto_close int fd = -1;
	auto_free char *path = layout_blob_path(c->part->layout, &descriptor->digest);
	struct digest seen;

	if (interrupt_check(err) < 0)
		return -1;
	fd = layout_open_blob(c->part->layout, descriptor, err);
	if (fd < 0 || digest_fd(fd, path, &seen, NULL, err) < 0)
		return -1;
	if (!digest_equal(&seen, &descriptor->digest))
		return error_set(err, ERR_VERIFY, "blob '%s' does not match its digest", path);
	(void)digest_set_add(&c->blobs, &descriptor->digest);
	return 0;
}

static int
check_document(void *context, const struct oci_descriptor *descriptor,
	       const struct oci_parsed *parsed, struct error *err)
{
	(void)parsed;
	return check_blob(context, descriptor, err);
}

/* Everything that the images of the part consist of is there, by content. */
static int
check_blobs(struct comparison *c, struct error *err)
{
	AUTO(layout_tags_clear) struct layout_tags images = LAYOUT_TAGS_INIT;
	const struct layout_visit visit = {check_blob, check_document, c};

	for (size_t i = 0; i < c->images.count; i++)
		layout_tags_add(&images, c->images.items[i].architecture, &c->images.items[i]);
	if (layout_walk(c->made, &images, &visit, err) < 0)
		return -1;
	for (size_t i = 0; i < c->index_count; i++)
		if (check_blob(c, &c->indexes[i].document.descriptor, err) < 0)
			return -1;
	return 0;
}

/* Names and places of all entries, also of those without a name. */
static int
check_index(const struct comparison *c, struct error *err)
{
	const char *found = layout_index(c->part->layout);
	auto_free char *expected = layout_index_format(&c->expected, c->part->hosts_text);

	return strcmp(found, expected) == 0
		       ? 0
		       : documents_do_not_match(c, "index.json", found, expected, err);
}

enum place { PLACE_LAYOUT, PLACE_BLOBS, PLACE_SHA256 };

/* Which files and directories a layout has. */
static bool
may_be_in_layout(const struct comparison *c, enum place place, const char *name, bool is_directory)
{
	struct digest digest;

	switch (place) {
	case PLACE_LAYOUT:
		return is_directory
			       ? strcmp(name, "blobs") == 0
			       : strcmp(name, "oci-layout") == 0 || strcmp(name, "index.json") == 0;
	case PLACE_BLOBS:
		return is_directory && strcmp(name, "sha256") == 0;
	case PLACE_SHA256:
		break;
	}
	return !is_directory && digest_parse(name, &digest) && digest_set_has(&c->blobs, &digest);
}

/* `known`: the names are compared as well, which is possible once the blobs are. */
static int
check_layout_files(const struct comparison *c, enum place place, bool known, struct error *err)
{
	static const char *const places[] = {"", "/blobs", "/blobs/sha256"};
	auto_free char *directory = xasprintf("%s%s", layout_path(c->part->layout), places[place]);
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names(directory, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *path = xasprintf("%s/%s", directory, names.items[i]);
		struct stat st;

		if (lstat(path, &st) < 0)
			return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
		if ((!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) ||
		    (known && !may_be_in_layout(c, place, names.items[i], S_ISDIR(st.st_mode))))
			return error_set(err, ERR_VERIFY, "'%s' does not belong to the part '%s'",
					 path, c->part->name);
	}
	return 0;
}

static int
check_places(const struct comparison *c, bool known, struct error *err)
{
	for (enum place place = PLACE_LAYOUT; place <= PLACE_SHA256; place++)
		if (check_layout_files(c, place, known, err) < 0)
			return -1;
	return 0;
}

int
image_part_check(const struct image_part *part, const struct layout *made,
		 const struct layout_tags *tags, struct error *err)
{
	AUTO(comparison_clear) struct comparison c = {.part = part, .made = made};

	if (check_places(&c, false, err) < 0)
		return -1;
	if (expect(&c, tags, err) < 0)
		return -1;
	if (check_tags(&c, err) < 0)
		return -1;
	if (check_index(&c, err) < 0)
		return -1;
	if (check_blobs(&c, err) < 0)
		return -1;
	return check_places(&c, true, err);
}
