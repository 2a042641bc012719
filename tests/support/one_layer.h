/* SPDX-License-Identifier: MIT */
#pragma once

/* A layout with one image of one layer, whatever its bytes are. */

#include "base/alloc.h"
#include "images/layout.h"

#include <stdlib.h>

/*
 * Makes the layout `path`, whose tag "one" is an image for armv7l with the layer `blob`. `diff_id`
 * is what its config says of the tar. Ends the program if that fails: the layer is never looked at.
 */
static inline void
one_layer_layout(const char *path, const uint8_t *blob, size_t size, const struct digest *diff_id)
{
	struct oci_layer layer = {.kind = OCI_LAYER_GZIP, .size = size, .diff_id = *diff_id};
	struct oci_image image = {.host = arch_find("armv7l"), .layers = &layer, .layer_count = 1};
	AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;
	AUTO(layout_tags_clear) struct layout_tags tags = LAYOUT_TAGS_INIT;
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	AUTO(layout_freep) struct layout *layout = NULL;
	struct error err = ERROR_INIT;

	digest_of(blob, size, &layer.digest);
	layer.created_by = "test";
	oci_image_make(&image, &config, &manifest);
	if (layout_create(path, &layout, &err) < 0 || layout_blob_begin(layout, &tmp, &err) < 0 ||
	    write_all(tmp.fd, blob, size, "layer", &err) < 0 ||
	    layout_blob_commit(layout, &tmp, &layer.digest, &err) < 0 ||
	    layout_put(layout, &config, &err) < 0 || layout_put(layout, &manifest, &err) < 0)
		abort();
	layout_tags_add(&tags, "one", &manifest.descriptor);
	if (layout_publish(layout, &tags, NULL, &err) < 0)
		abort();
}
