/* SPDX-License-Identifier: MIT */
#include "images/referrers.h"

#include "base/jsonx.h"

#include <jansson.h>
#include <string.h>

#define PREFIX "sha256-"

bool
referrers_tag_subject(const char *tag, struct digest *ret_digest)
{
	char hex[DIGEST_HEX_SIZE];

	if (strncmp(tag, PREFIX, strlen(PREFIX)) != 0)
		return false;
	tag += strlen(PREFIX);
	if (strspn(tag, "0123456789abcdef") != 64 ||
	    (tag[64] != '\0' && strcmp(tag + 64, ".sig") != 0))
		return false;
	memcpy(hex, tag, 64);
	hex[64] = '\0';
	return digest_parse(hex, ret_digest);
}

bool
referrers_tag_is_any(const char *tag)
{
	struct digest ignored;

	return referrers_tag_subject(tag, &ignored);
}

bool
referrers_tag_is_signature(const char *tag)
{
	return referrers_tag_is_any(tag) && tag[strlen(PREFIX) + 64] == '.';
}

bool
referrers_tag_is_fallback(const char *tag)
{
	return referrers_tag_is_any(tag) && tag[strlen(PREFIX) + 64] == '\0';
}

void
referrers_make(const struct oci_descriptors *descriptors, struct oci_document *ret_list)
{
	const char *type = oci_media_type(OCI_INDEX);
	json_t *list = json_array();

	for (size_t i = 0; i < descriptors->count; i++)
		jsonx_append(list, oci_descriptor_json(&descriptors->items[i]));
	oci_document_make(jsonx_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", type,
				     "manifests", list),
			  type, ret_list);
}

static bool
has(const struct oci_descriptors *list, const struct digest *digest)
{
	for (size_t i = 0; i < list->count; i++)
		if (digest_equal(&list->items[i].digest, digest))
			return true;
	return false;
}

bool
referrers_merge(const struct oci_parsed *theirs, const struct oci_parsed *ours,
		struct oci_document *ret_merged)
{
	struct oci_descriptors all = {NULL, 0};
	bool complete = true;

	for (size_t i = 0; i < theirs->manifests.count; i++)
		oci_descriptor_copy(&theirs->manifests.items[i], oci_descriptors_add(&all));
	for (size_t i = 0; i < ours->manifests.count; i++) {
		if (has(&all, &ours->manifests.items[i].digest))
			continue;
		oci_descriptor_copy(&ours->manifests.items[i], oci_descriptors_add(&all));
		complete = false;
	}
	referrers_make(&all, ret_merged);
	oci_descriptors_clear(&all);
	return complete;
}
