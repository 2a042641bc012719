#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "distributor/reproducing_internal.h"
#include "pack/difference.h"
#include "sign/release.h"
#include "sign/sums.h"

#include <string.h>

/* Larger files are compared by digest alone. */
enum { MAX_EXPLAINED = 128 << 20 };

/* What only the run that signed could make. */
static bool
is_of_the_run(const char *name)
{
	return strcmp(name, RELEASE_PROVENANCE_NAME) == 0;
}

/* Why two files differ, to be freed by the caller; NULL where their bytes cannot be had. */
static char *
explain_file(const struct reproduction *p, const char *name, bool *ret_recompressed)
{
	auto_free char *path = xasprintf("%s/assets/%s", p->out, name);
	auto_free char *ours = NULL, *theirs = NULL;
	struct error ignored = ERROR_INIT;
	size_t ours_length, theirs_length;
	struct bytes made, published;

	if (read_file(path, MAX_EXPLAINED, &ours, &ours_length, &ignored) < 0 ||
	    p->files.read(p->files.context, name, MAX_EXPLAINED, &theirs, &theirs_length,
			  &ignored) < 0)
		return NULL;
	made = (struct bytes){(const uint8_t *)ours, ours_length};
	published = (struct bytes){(const uint8_t *)theirs, theirs_length};
	return difference_explain(&made, &published, ret_recompressed);
}

static int
compare_file(struct reproduction *p, const char *name, struct error *err)
{
	auto_free char *path = xasprintf("%s/assets/%s", p->out, name);
	struct digest made, published;
	bool recompressed = false;
	int result;

	if (interrupt_check(err) < 0)
		return -1;
	if (is_of_the_run(name)) {
		reproducing_add(p->result, xstrdup(name), REPRODUCED_OWN,
				xstrdup("names the run that signed it"));
		return 0;
	}
	result = p->files.digest(p->files.context, name, &published, NULL, err);
	if (result < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	if (result < 0) {
		reproducing_add(p->result, xstrdup(name), REPRODUCED_MISSING,
				xstrdup("SHA256SUMS lists it, and it is not there"));
		return 0;
	}
	if (digest_file(path, &made, NULL, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		reproducing_add(p->result, xstrdup(name), REPRODUCED_EXTRA,
				xstrdup("it was not made"));
		return 0;
	}
	if (digest_equal(&made, &published)) {
		reproducing_add(p->result, xstrdup(name), REPRODUCED_SAME, NULL);
		return 0;
	}
	reproducing_add(p->result, xstrdup(name), REPRODUCED_DIFFERS,
			explain_file(p, name, &recompressed));
	p->result->recompressed += recompressed;
	return 0;
}

static int
read_sums(const struct reproduction *p, struct sums *ret_sums, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (p->files.read(p->files.context, SUMS_NAME, SUMS_MAX_TEXT, &text, &length, err) < 0)
		return -1;
	return sums_parse(text, length, ret_sums, SUMS_NAME, err);
}

/* What was made here and is not part of the release. */
static int
add_missing(struct reproduction *p, const struct sums *sums, struct error *err)
{
	auto_free char *assets = path_join(p->out, "assets");
	const struct verify_files made = verify_directory(assets);
	AUTO(sums_release) struct sums names = SUMS_INIT;

	if (made.list(made.context, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (sums_find(sums, names.entries[i].name) == NULL)
			reproducing_add(p->result, xstrdup(names.entries[i].name),
					REPRODUCED_MISSING, xstrdup("SHA256SUMS does not list it"));
	return 0;
}

int
reproducing_compare_files(struct reproduction *p, struct error *err)
{
	AUTO(sums_release) struct sums sums = SUMS_INIT;
	struct progress_task *task;
	int result = 0;

	if (read_sums(p, &sums, err) < 0)
		return -1;
	task = progress_start(p->app->progress, "comparing", PROGRESS_ITEMS, sums.count);
	for (size_t i = 0; i < sums.count && result == 0; i++) {
		result = compare_file(p, sums.entries[i].name, err);
		progress_add(task, 1);
	}
	progress_done(task, NULL);
	return result < 0 ? -1 : add_missing(p, &sums, err);
}

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

static void
compare_tag(struct reproduction *p, const struct layout *made, const char *tag,
	    const struct digest *theirs)
{
	const struct oci_descriptor *ours = layout_tags_find(layout_tags(made), tag);
	char *name = xasprintf("image %s", tag);

	if (ours == NULL)
		reproducing_add(p->result, name, REPRODUCED_EXTRA, xstrdup("it was not made"));
	else if (digest_equal(&ours->digest, theirs))
		reproducing_add(p->result, name, REPRODUCED_SAME, NULL);
	else
		reproducing_add(p->result, name, REPRODUCED_DIFFERS,
				explain_tag(p, made, tag, ours, theirs));
}

int
reproducing_compare_images(struct reproduction *p, struct error *err)
{
	AUTO(layout_freep) struct layout *made = NULL;
	auto_free char *path = path_join(p->out, "images");
	struct digest digest;
	const char *tag;
	int found;

	if (layout_open(path, &made, err) < 0)
		return -1;
	for (size_t i = 0; (found = release_origin_image(&p->origin, i, &tag, &digest, err)) > 0;
	     i++)
		compare_tag(p, made, tag, &digest);
	return found;
}
