/* SPDX-License-Identifier: MIT */
#include "images/push/push_internal.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "images/referrers.h"

#include <string.h>
#include <time.h>

/*
 * Puts referrers again that the registry's own list lacks: it may be a moment behind, or have got
 * them before it had a list.
 */
static int
put_unlisted(struct push *push, const struct tag *tag, const struct oci_parsed *ours, int try,
	     struct error *err)
{

	if (try > PUSH_MAX_TRIES)
		return error_set(err, ERR_VERIFY,
				 "the registry has the referrers API but does not list the "
				 "referrers of '%s'",
				 tag->name);
	for (size_t i = 0; i < ours->manifests.count; i++) {
		AUTO(oci_document_clear) struct oci_document document = OCI_DOCUMENT_INIT;
		char name[OCI_DIGEST_SIZE];

		(void)oci_digest_text(&ours->manifests.items[i].digest, name);
		if (push_read_document(push, &ours->manifests.items[i], &document, err) < 0 ||
		    push_put_document(push, name, &document, err) < 0)
			return -1;
	}
	(void)interrupt_pause((uint64_t)PUSH_PAUSE_MS * (unsigned int)try);
	return 0;
}

/* A registry may hide documents of other types from us, so that they only seem to be gone. */
static bool
can_be_asked_for(const char *media_type)
{
	return oci_is_manifest(media_type) || oci_is_index(media_type);
}

/* Entries of what the registry no longer has: with them it may refuse the list. */
static int
drop_gone(struct push *push, struct oci_descriptors *list, struct error *err)
{
	for (size_t i = 0; i < list->count;) {
		AUTO(registry_manifest_clear)
		struct registry_manifest seen = {.media_type = NULL};
		char name[OCI_DIGEST_SIZE];
		int there = 1;

		(void)oci_digest_text(&list->items[i].digest, name);
		if (can_be_asked_for(list->items[i].media_type))
			there = registry_head_manifest(push->registry, name, &seen, err);
		if (there < 0)
			return -1;
		if (there == 1) {
			i++;
			continue;
		}
		oci_descriptor_clear(&list->items[i]);
		list->count--;
		memmove(&list->items[i], &list->items[i + 1],
			(list->count - i) * sizeof(*list->items));
	}
	return 0;
}

static int
put_merged(struct push *push, const struct tag *tag, struct oci_parsed *theirs,
	   const struct oci_parsed *ours, int try, struct digest *ret_put, struct error *err)
{
	AUTO(oci_document_clear) struct oci_document merged = OCI_DOCUMENT_INIT;

	if (try > PUSH_MAX_TRIES)
		return error_set(err, ERR_VERIFY,
				 "the registry does not store the list of referrers '%s'",
				 tag->name);
	if (drop_gone(push, &theirs->manifests, err) < 0)
		return error_prefix(err, "'%s'", tag->name);
	(void)referrers_merge(theirs, ours, &merged);
	*ret_put = merged.descriptor.digest;
	return push_put_document(push, tag->name, &merged, err);
}

/* Two who write a list at once can lose an entry, which is why it is read again afterwards. */
int
push_referrers(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	struct tag *tag = &push->fallbacks[index];
	AUTO(oci_parsed_clear) struct oci_parsed ours = OCI_PARSED_INIT;
	struct digest subject, known = tag->descriptor->digest;

	if (layout_read_parsed(push->layout, tag->descriptor, &ours, err) < 0)
		return -1;
	if (!referrers_tag_subject(tag->name, &subject))
		return 0;
	for (int try = 1;; try++) {
		AUTO(oci_parsed_clear) struct oci_parsed theirs = OCI_PARSED_INIT;
		AUTO(oci_document_clear) struct oci_document merged = OCI_DOCUMENT_INIT;
		AUTO(registry_manifest_clear)
		struct registry_manifest seen = {.media_type = NULL};
		int look = PUSH_NOTHING;
		int native = registry_list_referrers(push->registry, &subject, &theirs, err);
		bool complete;

		if (native == 0)
			look = push_look_at(push, tag->name, &known, &seen, &theirs, err);
		if (native < 0 || look < 0)
			return error_prefix(err, "'%s'", tag->name);
		complete = referrers_merge(&theirs, &ours, &merged) || look == PUSH_KNOWN;
		if (native == 1 && (complete || push->options->dry_run))
			return 0;
		if (complete || push->options->dry_run) {
			enum push_effect effect = try == 1 && complete ? PUSH_KEPT : PUSH_SENT;

			push_report(push, PUSH_TAG, effect, &merged.descriptor, tag);
			return 0;
		}
		if ((native == 1 ? put_unlisted(push, tag, &ours, try, err)
				 : put_merged(push, tag, &theirs, &ours, try, &known, err)) < 0)
			return -1;
	}
}
