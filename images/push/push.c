/* SPDX-License-Identifier: MIT */
#include "images/push/push_internal.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "images/referrers.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum { LARGE_BLOB = 1 << 20 };

int
push_tag_rank(const char *tag, const char *version)
{
	auto_free char *tail = version != NULL ? xasprintf("-%s", version) : NULL;

	if (referrers_tag_is_signature(tag))
		return 0;
	if (strcmp(tag, "latest") == 0)
		return 3;
	return tail != NULL && (strcmp(tag, version) == 0 || text_ends_with(tag, tail)) ? 1 : 2;
}

static void
count_event(struct push_result *result, const struct push_event *event)
{
	switch (event->kind) {
	case PUSH_BLOB:
		result->blobs_kept += event->effect == PUSH_KEPT;
		result->blobs_sent += event->effect == PUSH_SENT;
		break;
	case PUSH_MANIFEST:
		result->manifests_kept += event->effect == PUSH_KEPT;
		result->manifests_sent += event->effect == PUSH_SENT;
		break;
	case PUSH_TAG:
		result->tags_kept += event->effect == PUSH_KEPT;
		result->tags_new += event->effect == PUSH_SENT;
		result->tags_moved += event->effect == PUSH_MOVED;
		break;
	}
	if (event->effect == PUSH_SENT && event->kind != PUSH_TAG)
		result->bytes_sent += event->size;
}

void
push_report(struct push *push, enum push_kind kind, enum push_effect effect,
	    const struct oci_descriptor *descriptor, const struct tag *tag)
{
	const struct push_event event = {
		.kind = kind,
		.effect = effect,
		.tag = tag != NULL ? tag->name : NULL,
		.digest = &descriptor->digest,
		.old = tag != NULL && tag->had ? &tag->old : NULL,
		.media_type = descriptor->media_type,
		.size = descriptor->size,
	};

	(void)pthread_mutex_lock(&push->lock);
	count_event(push->result, &event);
	if (push->options->event != NULL)
		push->options->event(push->options->context, &event);
	(void)pthread_mutex_unlock(&push->lock);
}

static int
collect_blob(void *context, const struct oci_descriptor *descriptor, struct error *err)
{
	struct push *push = context;

	(void)err;
	oci_descriptor_copy(descriptor, oci_descriptors_add(&push->blobs));
	return 0;
}

static int
collect_document(void *context, const struct oci_descriptor *descriptor,
		 const struct oci_parsed *parsed, struct error *err)
{
	struct push *push = context;
	struct document *document;

	(void)err;
	/* Lists of referrers and of signatures are merged with the registry's own. */
	for (size_t i = 0; i < push->fallback_count; i++)
		if (digest_equal(&push->fallbacks[i].descriptor->digest, &descriptor->digest))
			return 0;
	for (size_t i = 0; i < push->tag_count; i++)
		if (referrers_tag_is_signature(push->tags[i].name) &&
		    digest_equal(&push->tags[i].descriptor->digest, &descriptor->digest))
			return 0;
	push->documents = xgrow(push->documents, push->document_count, sizeof(*push->documents));
	document = &push->documents[push->document_count++];
	oci_descriptor_copy(descriptor, &document->descriptor);
	document->phase = parsed->has_subject            ? PHASE_REFERRER
			  : parsed->manifests.count != 0 ? PHASE_INDEX
							 : PHASE_MANIFEST;
	return 0;
}

static int
compare_tags(const void *a, const void *b, void *version)
{
	const struct tag *left = a, *right = b;
	int rank = push_tag_rank(left->name, version) - push_tag_rank(right->name, version);

	return rank != 0 ? rank : strcmp(left->name, right->name);
}

static int
collect(struct push *push, struct error *err)
{
	const struct layout_tags *tags = layout_tags(push->layout);
	const struct layout_visit visit = {collect_blob, collect_document, push};

	push->tags = xcalloc(tags->count + 1, sizeof(*push->tags));
	push->fallbacks = xcalloc(tags->count + 1, sizeof(*push->fallbacks));
	for (size_t i = 0; i < tags->count; i++) {
		const struct oci_descriptor *descriptor = &tags->items[i].descriptor;
		const struct tag tag = {.name = tags->items[i].name,
					.descriptor = descriptor,
					.now = descriptor->digest,
					.now_size = descriptor->size};

		if (referrers_tag_is_fallback(tag.name))
			push->fallbacks[push->fallback_count++] = tag;
		else
			push->tags[push->tag_count++] = tag;
	}
	qsort_r(push->tags, push->tag_count, sizeof(*push->tags), compare_tags,
		(void *)(uintptr_t)push->options->version);
	return layout_walk(push->layout, tags, &visit, err);
}

static int
look_at_tag(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	struct tag *tag = &push->tags[index];
	struct registry_manifest manifest = {.media_type = NULL};
	int result = registry_head_manifest(push->registry, tag->name, &manifest, err);

	if (result < 0)
		return -1;
	tag->had = result == 1;
	tag->old = manifest.digest;
	registry_manifest_clear(&manifest);
	return 0;
}

static bool
is_in_place(const struct tag *tag)
{
	return tag->had && digest_equal(&tag->old, &tag->descriptor->digest);
}

/* What people pulled under a version yesterday is what they get under it today. */
static int
check_versions(const struct push *push, struct error *err)
{
	for (size_t i = 0; i < push->tag_count; i++) {
		const struct tag *tag = &push->tags[i];
		char old[OCI_DIGEST_SIZE], new[OCI_DIGEST_SIZE];

		if (push->options->replace_version || !tag->had || is_in_place(tag) ||
		    push_tag_rank(tag->name, push->options->version) != 1)
			continue;
		return error_set(err, ERR_VERIFY,
				 "tag '%s' is already published as %s and is not moved to %s; make "
				 "a new version, or use --replace-version",
				 tag->name, oci_digest_text(&tag->old, old),
				 oci_digest_text(&tag->descriptor->digest, new));
	}
	return 0;
}

static int
check_content(const struct push *push, int fd, const struct oci_descriptor *blob, struct error *err)
{
	auto_free char *path = layout_blob_path(push->layout, &blob->digest);
	struct digest seen;

	if (digest_fd(fd, path, &seen, NULL, err) < 0)
		return -1;
	if (!digest_equal(&seen, &blob->digest))
		return error_set(err, ERR_VERIFY, "blob '%s' does not match its digest", path);
	return 0;
}

static int
send_blob(struct push *push, const struct oci_descriptor *descriptor, enum push_effect *ret_effect,
	  struct error *err)
{
	auto_close int fd = layout_open_blob(push->layout, descriptor, err);
	struct registry_blob blob = {.descriptor = descriptor, .fd = fd};
	char label[OCI_DIGEST_SIZE];
	int result;

	if (fd < 0 || check_content(push, fd, descriptor, err) < 0)
		return -1;
	(void)oci_digest_text(&descriptor->digest, label);
	label[7 + 12] = '\0';
	if (descriptor->size >= LARGE_BLOB && push->options->progress != NULL)
		blob.progress = progress_start(push->options->progress, label, PROGRESS_BYTES,
					       descriptor->size);
	result = registry_push_blob(push->registry, &blob, err);
	progress_done(blob.progress, NULL);
	if (result == 0)
		*ret_effect = PUSH_SENT;
	return result;
}

static int
push_blob(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	const struct oci_descriptor *blob = &push->blobs.items[index];
	enum push_effect effect = PUSH_KEPT;
	enum registry_look there =
		registry_head_blob(push->registry, &blob->digest, blob->size, err);

	if (there == REGISTRY_FAILED)
		return -1;
	if (there != REGISTRY_THERE && push->options->dry_run)
		effect = PUSH_SENT;
	else if (there != REGISTRY_THERE && send_blob(push, blob, &effect, err) < 0)
		return -1;
	push_report(push, PUSH_BLOB, effect, blob, NULL);
	progress_add(push->task, blob->size);
	return 0;
}

int
push_read_document(const struct push *push, const struct oci_descriptor *descriptor,
		   struct oci_document *ret_document, struct error *err)
{
	char *text;

	if (layout_read(push->layout, descriptor, &text, err) < 0)
		return -1;
	*ret_document = (struct oci_document){.text = text, .length = (size_t)descriptor->size};
	oci_descriptor_copy(descriptor, &ret_document->descriptor);
	return 0;
}

/* Sends again what a document refers to and the registry says it does not know. */
static int
mend_children(struct push *push, const struct oci_document *document, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
	enum push_effect effect;

	if (oci_parse("manifest", document->text, document->length, &parsed, err) < 0)
		return -1;
	for (size_t i = 0; i < parsed.layers.count + (parsed.has_config ? 1 : 0); i++) {
		const struct oci_descriptor *blob =
			i < parsed.layers.count ? &parsed.layers.items[i] : &parsed.config;
		enum registry_look there =
			registry_head_blob(push->registry, &blob->digest, blob->size, err);

		if (there == REGISTRY_FAILED ||
		    (there != REGISTRY_THERE && send_blob(push, blob, &effect, err) < 0))
			return -1;
	}
	for (size_t i = 0; i < parsed.manifests.count; i++) {
		AUTO(oci_document_clear) struct oci_document child = OCI_DOCUMENT_INIT;
		char name[OCI_DIGEST_SIZE];

		if (push_read_document(push, &parsed.manifests.items[i], &child, err) < 0)
			return -1;
		(void)oci_digest_text(&child.descriptor.digest, name);
		if (registry_put_manifest(push->registry, name, &child, err) < 0)
			return -1;
	}
	return 0;
}

int
push_put_document(struct push *push, const char *name, const struct oci_document *document,
		  struct error *err)
{
	for (int try = 1;; try++) {
		enum error_code again;

		if (registry_put_manifest(push->registry, name, document, err) == 0)
			return 0;
		again = err->code;
		if (again != ERR_NOT_FOUND && again != ERR_BUSY)
			return -1;
		if (try == PUSH_MAX_TRIES) {
			err->code = ERR_REMOTE;
			return -1;
		}
		log_debug("trying again: %s", err->message);
		(void)interrupt_pause((uint64_t)PUSH_PAUSE_MS * (unsigned int)try);
		if (again == ERR_NOT_FOUND && mend_children(push, document, err) < 0)
			return error_prefix(err, "'%s'", name);
	}
}

/* Returns 1 if the registry has exactly this document, 0, or -1. */
static int
has_document(const struct push *push, const char *name, const struct oci_descriptor *descriptor,
	     struct error *err)
{
	struct registry_manifest seen = {.media_type = NULL};
	int there = registry_head_manifest(push->registry, name, &seen, err);

	if (there == 1)
		there = digest_equal(&seen.digest, &descriptor->digest) &&
			seen.size == descriptor->size;
	registry_manifest_clear(&seen);
	return there;
}

/* "Created" is a promise here too, and an index is accepted by some without what it lists. */
static int
send_document(struct push *push, const char *name, const struct oci_descriptor *descriptor,
	      struct error *err)
{
	AUTO(oci_document_clear) struct oci_document document = OCI_DOCUMENT_INIT;

	if (push_read_document(push, descriptor, &document, err) < 0 ||
	    push_put_document(push, name, &document, err) < 0)
		return -1;
	for (unsigned int look = 1;; look++) {
		int there = has_document(push, name, descriptor, err);

		if (there != 0)
			return there < 0 ? -1 : 0;
		if (!push_pause_before_look(look))
			break;
	}
	return error_set(err, ERR_NETWORK, "the registry accepted '%s' but does not have it", name);
}

static int
push_document(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	struct document *item = &push->documents[index];
	char name[OCI_DIGEST_SIZE];
	int there;

	if (item->phase != push->phase)
		return 0;
	(void)oci_digest_text(&item->descriptor.digest, name);
	there = has_document(push, name, &item->descriptor, err);
	if (there < 0)
		return -1;
	if (there == 0 && !push->options->dry_run &&
	    send_document(push, name, &item->descriptor, err) < 0)
		return -1;
	push_report(push, PUSH_MANIFEST, there == 1 ? PUSH_KEPT : PUSH_SENT, &item->descriptor,
		    NULL);
	return 0;
}

static int
push_documents(struct push *push, struct error *err)
{
	for (push->phase = PHASE_MANIFEST; push->phase < PHASE_COUNT; push->phase++)
		if (parallel_for(push->document_count, push->options->connections, push_document,
				 push, err) < 0)
			return -1;
	return 0;
}

int
push_look_at(struct push *push, const char *tag, const struct digest *known,
	     struct registry_manifest *ret_seen, struct oci_parsed *ret_theirs, struct error *err)
{
	auto_free char *text = NULL;
	int there = registry_head_manifest(push->registry, tag, ret_seen, err);

	if (there <= 0)
		return there < 0 ? -1 : PUSH_NOTHING;
	if (digest_equal(&ret_seen->digest, known))
		return PUSH_KNOWN;
	registry_manifest_clear(ret_seen);
	there = registry_get_manifest(push->registry, tag, ret_seen, &text, err);
	if (there <= 0)
		return there < 0 ? -1 : PUSH_NOTHING;
	return oci_parse(tag, text, (size_t)ret_seen->size, ret_theirs, err) < 0 ? -1 : PUSH_OTHER;
}

static int
push_tag(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	struct tag *tag = &push->tags[index];
	AUTO(oci_document_clear) struct oci_document document = OCI_DOCUMENT_INIT;
	enum push_effect effect = is_in_place(tag) ? PUSH_KEPT : tag->had ? PUSH_MOVED : PUSH_SENT;

	if (push_tag_rank(tag->name, push->options->version) != push->rank)
		return 0;
	if (effect != PUSH_KEPT && referrers_tag_is_signature(tag->name))
		return push_signatures(push, tag, err);
	if (effect != PUSH_KEPT && !push->options->dry_run &&
	    (push_read_document(push, tag->descriptor, &document, err) < 0 ||
	     push_put_document(push, tag->name, &document, err) < 0))
		return -1;
	push_report(push, PUSH_TAG, effect, tag->descriptor, tag);
	return 0;
}

static int
push_tags(struct push *push, struct error *err)
{
	unsigned int threads = push->options->connections;

	for (push->rank = 0; push->rank <= push_last_rank(push); push->rank++)
		if (parallel_for(push->tag_count, threads, push_tag, push, err) < 0)
			return -1;
	return 0;
}

static int
run_phases(struct push *push, struct error *err)
{
	unsigned int threads = push->options->connections;
	uint64_t bytes = 0;

	if (collect(push, err) < 0)
		return -1;
	if (parallel_for(push->tag_count, threads, look_at_tag, push, err) < 0)
		return -1;
	if (check_versions(push, err) < 0)
		return -1;
	for (size_t i = 0; i < push->blobs.count; i++)
		bytes += push->blobs.items[i].size;
	progress_set_total(push->task, bytes);
	if (parallel_for(push->blobs.count, threads, push_blob, push, err) < 0)
		return -1;
	if (push_documents(push, err) < 0)
		return -1;
	if (parallel_for(push->fallback_count, threads, push_referrers, push, err) < 0)
		return -1;
	if (push_tags(push, err) < 0)
		return -1;
	if (push->options->dry_run)
		return 0;
	return parallel_for(push->tag_count, threads, push_read_back, push, err);
}

static void
push_clear(struct push *push)
{
	oci_descriptors_clear(&push->blobs);
	for (size_t i = 0; i < push->document_count; i++)
		oci_descriptor_clear(&push->documents[i].descriptor);
	free(push->documents);
	free(push->tags);
	free(push->fallbacks);
	(void)pthread_mutex_destroy(&push->lock);
}

int
push_layout(const struct layout *layout, struct registry *registry,
	    const struct push_options *options, struct push_result *ret_result, struct error *err)
{
	struct push push = {
		.layout = layout,
		.registry = registry,
		.options = options,
		.result = ret_result,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	auto_free char *name = reference_repository(registry_reference(registry));
	auto_free char *label = xasprintf("push to %s", name);
	int result;

	*ret_result = (struct push_result){.blobs_kept = 0};
	if (options->progress != NULL)
		push.task = progress_start(options->progress, label, PROGRESS_BYTES, 0);
	result = run_phases(&push, err);
	progress_done(push.task, NULL);
	push_clear(&push);
	return result < 0 ? error_prefix(err, "cannot push to '%s'", name) : 0;
}
