/* SPDX-License-Identifier: MIT */
#include "images/push/push_internal.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "images/signature.h"

#include <sys/mman.h>
#include <time.h>

/* Whoever verifies has to read them all. */
enum { MAX_OTHERS = 256 };

/* Something that is no manifest has no signatures to keep. */
static int
look_at(struct push *push, const struct tag *tag, struct registry_manifest *ret_seen,
	struct oci_parsed *ret_theirs, struct error *err)
{
	int look = push_look_at(push, tag->name, &tag->now, ret_seen, ret_theirs, err);

	if (look >= 0 || err->code != ERR_INPUT)
		return look;
	log_debug("replaced: %s", err->message);
	return PUSH_NOTHING;
}

/* Those whose payload the registry no longer has: with them it would refuse the manifest. */
static int
drop_gone(struct push *push, struct oci_descriptors *others, struct error *err)
{
	size_t kept = 0;
	int result = 0;

	for (size_t i = 0; i < others->count; i++) {
		struct oci_descriptor *layer = &others->items[i];

		if (result >= 0)
			result = registry_head_blob(push->registry, &layer->digest, layer->size,
						    err);
		if (result == REGISTRY_THERE || result == REGISTRY_UNKNOWN)
			others->items[kept++] = *layer;
		else
			oci_descriptor_clear(layer);
	}
	others->count = kept;
	return result < 0 ? -1 : 0;
}

static int
put_config(struct push *push, const struct oci_document *config, struct error *err)
{
	const struct oci_descriptor *descriptor = &config->descriptor;
	auto_close int fd = memfd_create("config", MFD_CLOEXEC);
	const struct registry_blob blob = {.descriptor = descriptor, .fd = fd};
	int there;

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot create a file in memory");
	there = registry_head_blob(push->registry, &descriptor->digest, descriptor->size, err);
	if (there == REGISTRY_FAILED || there == REGISTRY_THERE)
		return there < 0 ? -1 : 0;
	if (write_all(fd, config->text, config->length, "config", err) < 0 ||
	    registry_push_blob(push->registry, &blob, err) < 0)
		return -1;
	push_report(push, PUSH_BLOB, PUSH_SENT, descriptor, NULL);
	return 0;
}

/* Ours alone are the document of the layout. */
static int
join(const struct push *push, const struct tag *tag, const struct oci_parsed *ours,
     const struct oci_descriptors *others, struct oci_document *ret_config,
     struct oci_document *ret_manifest, struct error *err)
{
	if (others->count == 0)
		return push_read_document(push, tag->descriptor, ret_manifest, err);
	if (others->count > MAX_OTHERS)
		return error_set(err, ERR_REMOTE,
				 "'%s' has %zu signatures by others, at most %d are supported; "
				 "remove some there",
				 tag->name, others->count, MAX_OTHERS);
	signature_join(ours, others, ret_config, ret_manifest);
	return 0;
}

static int
put_joined(struct push *push, struct tag *tag, const struct oci_document *config,
	   const struct oci_document *manifest, int try, struct error *err)
{
	if (try > PUSH_MAX_TRIES)
		return error_set(err, ERR_VERIFY, "the registry does not store the signatures '%s'",
				 tag->name);
	if (try > 1)
		(void)interrupt_pause(PUSH_PAUSE_MS);
	if (config->text != NULL && put_config(push, config, err) < 0)
		return error_prefix(err, "'%s'", tag->name);
	tag->now = manifest->descriptor.digest;
	tag->now_size = manifest->descriptor.size;
	return push_put_document(push, tag->name, manifest, err);
}

/* One look at the registry, and what follows from it. Returns 1 when all of ours are there. */
static int
look_and_put(struct push *push, struct tag *tag, const struct oci_parsed *ours, int try,
	     struct error *err)
{
	AUTO(registry_manifest_clear) struct registry_manifest seen = {.media_type = NULL};
	AUTO(oci_parsed_clear) struct oci_parsed theirs = OCI_PARSED_INIT;
	AUTO(oci_descriptors_clear) struct oci_descriptors others = {NULL, 0};
	AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;
	enum push_effect effect = tag->had ? PUSH_MOVED : PUSH_SENT;
	int look = look_at(push, tag, &seen, &theirs, err);
	bool complete = signature_others(&theirs, ours, &others);

	if (look < 0)
		return -1;
	if (look == PUSH_KNOWN || (look == PUSH_OTHER && complete)) {
		const struct oci_descriptor there = {
			.media_type = seen.media_type, .digest = seen.digest, .size = seen.size};

		tag->now = seen.digest;
		tag->now_size = seen.size;
		push_report(push, PUSH_TAG, try == 1 ? PUSH_KEPT : effect, &there, tag);
		return 1;
	}
	if (drop_gone(push, &others, err) < 0 ||
	    join(push, tag, ours, &others, &config, &manifest, err) < 0)
		return -1;
	if (!push->options->dry_run)
		return put_joined(push, tag, &config, &manifest, try, err);
	push_report(push, PUSH_TAG, effect, &manifest.descriptor, tag);
	return 1;
}

/* Two who write at once can lose a signature, which is why it is looked at again afterwards. */
int
push_signatures(struct push *push, struct tag *tag, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed ours = OCI_PARSED_INIT;
	int done = 0;

	if (layout_read_parsed(push->layout, tag->descriptor, &ours, err) < 0)
		return -1;
	for (int try = 1; done == 0; try++)
		done = look_and_put(push, tag, &ours, try, err);
	return done < 0 ? -1 : 0;
}

int
push_has_signatures(struct push *push, const struct tag *tag, struct error *err)
{
	AUTO(registry_manifest_clear) struct registry_manifest seen = {.media_type = NULL};
	AUTO(oci_parsed_clear) struct oci_parsed ours = OCI_PARSED_INIT;
	AUTO(oci_parsed_clear) struct oci_parsed theirs = OCI_PARSED_INIT;
	AUTO(oci_descriptors_clear) struct oci_descriptors others = {NULL, 0};
	int look;

	if (layout_read_parsed(push->layout, tag->descriptor, &ours, err) < 0)
		return -1;
	look = look_at(push, tag, &seen, &theirs, err);
	if (look < 0)
		return -1;
	return look == PUSH_KNOWN ||
	       (look == PUSH_OTHER && signature_others(&theirs, &ours, &others));
}
