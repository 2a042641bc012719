/* SPDX-License-Identifier: MIT */
#include "distributor/steps/sign_images.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "distributor/verify/image_signature.h"
#include "images/referrers.h"
#include "sign/check/statement.h"
#include "sign/make/dsse_sign.h"
#include "sign/make/simple_signing_sign.h"

#include <string.h>

/* Whether all signatures of a subject are there and right, so that no key is needed. */
static bool
is_signed(const struct layout *layout, const struct signature_subject *subject,
	  const struct keyring *keyring)
{
	AUTO(signature_set_clear) struct signature_set set = {NULL, 0, NULL};
	const struct digest *digest = &subject->descriptor.digest;
	struct error ignored = ERROR_INIT;

	if (signature_read(layout, digest, &set, &ignored) <= 0 || set.bundle == NULL ||
	    set.count != subject->reference_count ||
	    image_check_bundle(set.bundle, digest, keyring, NULL, &ignored) < 0)
		return false;
	for (size_t i = 0; i < subject->reference_count; i++)
		if (image_check_signature(&set, digest, subject->references[i], keyring, NULL,
					  &ignored) < 0)
			return false;
	return true;
}

static int
sign_subject(struct layout *layout, const struct signature_subject *subject, int64_t created_sec,
	     struct lazy_signer *lazy, struct layout_tags *tags, struct error *err)
{
	AUTO(signature_set_clear) struct signature_set set = {NULL, 0, NULL};
	auto_free char *statement = statement_for_image(&subject->descriptor.digest);
	const struct signer *signer;

	if (lazy_signer_get(lazy, &signer, err) < 0)
		return -1;
	for (size_t i = 0; i < subject->reference_count; i++) {
		struct signature *signature = signature_set_add(&set);

		if (simple_signing_sign(signer, subject->references[i], &subject->descriptor.digest,
					&signature->payload, &signature->signature, err) < 0)
			return error_prefix(err, "cannot sign '%s'", subject->references[i]);
	}
	if (dsse_sign_statement(signer, statement, strlen(statement), &set.bundle, err) < 0)
		return -1;
	return signature_write(layout, subject, &set, created_sec, tags, err);
}

static void
keep_tag(const struct layout *layout, char *name, struct layout_tags *tags)
{
	const struct oci_descriptor *descriptor = layout_tags_find(layout_tags(layout), name);

	if (descriptor != NULL)
		layout_tags_add(tags, name, descriptor);
	free(name);
}

static int
sign_all(struct layout *layout, const struct signature_subjects *subjects, int64_t created_sec,
	 struct lazy_signer *lazy, struct step_sign_images_result *result, struct error *err)
{
	AUTO(layout_tags_clear) struct layout_tags tags = LAYOUT_TAGS_INIT;
	const struct layout_tags *old = layout_tags(layout);

	for (size_t i = 0; i < old->count; i++)
		if (!referrers_tag_is_any(old->items[i].name))
			layout_tags_add(&tags, old->items[i].name, &old->items[i].descriptor);
	for (size_t i = 0; i < subjects->count; i++) {
		const struct signature_subject *subject = &subjects->items[i];
		const struct digest *digest = &subject->descriptor.digest;

		if (interrupt_check(err) < 0)
			return -1;
		if (is_signed(layout, subject, lazy->keyring)) {
			keep_tag(layout, signature_tag(digest), &tags);
			keep_tag(layout, signature_fallback_tag(digest), &tags);
			continue;
		}
		if (sign_subject(layout, subject, created_sec, lazy, &tags, err) < 0)
			return -1;
		result->written++;
	}
	return layout_publish(layout, &tags, NULL, err);
}

int
step_sign_images(const struct workspace *work, const struct text_list *repositories,
		 int64_t created_sec, struct lazy_signer *lazy,
		 struct step_sign_images_result *ret_result, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = NULL;
	AUTO(signature_subjects_clear) struct signature_subjects subjects = {NULL, 0};
	auto_free char *path = path_join(work->out, "images");
	struct step_sign_images_result result = {0, 0};

	if (layout_create(path, &layout, err) < 0 ||
	    signature_list_subjects(layout, repositories->items, repositories->count, &subjects,
				    err) < 0 ||
	    sign_all(layout, &subjects, created_sec, lazy, &result, err) < 0)
		return -1;
	result.images = subjects.count;
	*ret_result = result;
	return 0;
}

static int
check_subject(const struct layout *layout, const struct signature_subject *subject,
	      const struct keyring *keyring, struct error *err)
{
	AUTO(signature_set_clear) struct signature_set set = {NULL, 0, NULL};

	if (signature_read(layout, &subject->descriptor.digest, &set, err) < 0)
		return -1;
	for (size_t i = 0; i < subject->reference_count; i++)
		if (image_check_signature(&set, &subject->descriptor.digest, subject->references[i],
					  keyring, NULL, err) < 0)
			return -1;
	return 0;
}

int
step_sign_images_check(const struct layout *layout, const char *repository,
		       const struct keyring *keyring, struct error *err)
{
	AUTO(signature_subjects_clear) struct signature_subjects subjects = {NULL, 0};

	if (signature_list_subjects(layout, &repository, 1, &subjects, err) < 0)
		return -1;
	for (size_t i = 0; i < subjects.count; i++)
		if (check_subject(layout, &subjects.items[i], keyring, err) < 0)
			return -1;
	return 0;
}
