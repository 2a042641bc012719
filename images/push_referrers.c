#include "images/push_internal.h"

#include "base/alloc.h"
#include "images/referrers.h"

#include <time.h>

/*
 * Puts referrers again that the registry's own list lacks: it may be a moment behind, or have got
 * them before it had a list.
 */
static int
put_unlisted(struct push *push, const struct tag *tag, const struct oci_parsed *ours, int try,
	     struct error *err)
{
	const struct timespec wait = {PUSH_PAUSE_SEC * try, 0};

	if (try > PUSH_MAX_TRIES)
		return error_set(err, ERR_VERIFY,
				 "the registry has the referrers API and does not list those of "
				 "'%s'",
				 tag->name);
	for (size_t i = 0; i < ours->manifests.count; i++) {
		AUTO(oci_document_release) struct oci_document document = OCI_DOCUMENT_INIT;
		char name[OCI_DIGEST_SIZE];

		(void)oci_digest_text(&ours->manifests.items[i].digest, name);
		if (push_read_document(push, &ours->manifests.items[i], &document, err) < 0 ||
		    push_put_document(push, name, &document, err) < 0)
			return -1;
	}
	(void)nanosleep(&wait, NULL);
	return 0;
}

static int
put_merged(struct push *push, const struct tag *tag, const struct oci_document *merged, int try,
	   struct error *err)
{
	if (try > PUSH_MAX_TRIES)
		return error_set(err, ERR_VERIFY,
				 "the registry does not keep the list of referrers '%s'",
				 tag->name);
	return push_put_document(push, tag->name, merged, err);
}

/* Two who write a list at once can lose an entry, which is why it is read again afterwards. */
int
push_referrers(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	struct tag *tag = &push->fallbacks[index];
	AUTO(oci_parsed_release) struct oci_parsed ours = OCI_PARSED_INIT;
	struct digest subject;

	if (layout_read_parsed(push->layout, tag->descriptor, &ours, err) < 0)
		return -1;
	if (!referrers_tag_subject(tag->name, &subject))
		return 0;
	for (int try = 1;; try++) {
		AUTO(oci_parsed_release) struct oci_parsed theirs = OCI_PARSED_INIT;
		AUTO(oci_document_release) struct oci_document merged = OCI_DOCUMENT_INIT;
		bool native = false, complete;

		if (registry_referrers(push->registry, &subject, &theirs, &native, err) < 0)
			return error_prefix(err, "'%s'", tag->name);
		complete = referrers_merge(&theirs, &ours, &merged);
		if (native && (complete || push->options->dry_run))
			return 0;
		if (complete || push->options->dry_run) {
			enum push_effect effect = try == 1 && complete ? PUSH_KEPT : PUSH_SENT;

			push_report(push, PUSH_TAG, effect, &merged.descriptor, tag);
			return 0;
		}
		if ((native ? put_unlisted(push, tag, &ours, try, err)
			    : put_merged(push, tag, &merged, try, err)) < 0)
			return -1;
	}
}
