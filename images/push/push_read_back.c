/* SPDX-License-Identifier: MIT */
/*
 * What was pushed, asked for again.
 */
#include "images/push/push_internal.h"

#include "base/interrupt.h"
#include "images/referrers.h"

bool
push_pause_before_look(unsigned int looks)
{
	if (looks >= http_again_tries(HTTP_AGAIN_WRITTEN, 404) || interrupt_pending())
		return false;
	return interrupt_pause(PUSH_PAUSE_MS);
}

int
push_last_rank(const struct push *push)
{
	return push->options->only_version ? 1 : 3;
}

/* Returns 1 if the tag leads to what was put, 0 with the reason in `err` if not, or -1. */
static int
look_back(struct push *push, const struct tag *tag, struct error *err)
{
	struct registry_manifest seen = {.media_type = NULL};
	int there = registry_head_manifest(push->registry, tag->name, &seen, err);
	bool same =
		there == 1 && digest_equal(&seen.digest, &tag->now) && seen.size == tag->now_size;
	char text[OCI_DIGEST_SIZE];

	(void)oci_digest_text(&seen.digest, text);
	registry_manifest_clear(&seen);
	if (there < 0 || same)
		return there;
	if (there == 1 && referrers_tag_is_signature(tag->name)) {
		int ours = push_has_signatures(push, tag, err);

		if (ours != 0)
			return ours;
	}
	/* Later it may be seen; what stands in its place will not change by itself. */
	if (there == 0)
		error_set(err, ERR_NETWORK, "tag '%s' was pushed but is missing when read back",
			  tag->name);
	else
		error_set(err, ERR_VERIFY, "tag '%s' was pushed but reads back as %s", tag->name,
			  text);
	return 0;
}

int
push_read_back(size_t index, void *context, struct error *err)
{
	struct push *push = context;
	const struct tag *tag = &push->tags[index];

	if (push_tag_rank(tag->name, push->options->version) > push_last_rank(push))
		return 0;
	for (unsigned int look = 1;; look++) {
		int there = look_back(push, tag, err);

		if (there != 0)
			return there < 0 ? -1 : 0;
		if (!push_pause_before_look(look))
			return -1;
	}
}
