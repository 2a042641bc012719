/* SPDX-License-Identifier: MIT */
#include "distributor/verify/image.h"

#include "base/alloc.h"
#include "distributor/verify/image_signature.h"
#include "distributor/workspace/version.h"
#include "distributor/workspace/workspace.h"
#include "images/registry/registry.h"
#include "model/release_version.h"

#include <string.h>

/* So many are looked at, whatever a registry lists: each costs requests. */
enum { MAX_BUNDLES = 256, MAX_IMAGES = 128 };

/* One name being verified. */
struct subject {
	struct registry *registry;
	const struct keyring *keyring;
	struct verify_report *report;
	const char *tag;         /* of the release that it has to be of, or NULL */
	const char *signed_name; /* "ghcr.io/owner/repo:tag", without tag: any */
};

static int
read_layer(void *context, const struct oci_descriptor *layer, char **ret_text, struct error *err)
{
	return registry_get_blob(context, &layer->digest, layer->size, ret_text, err);
}

/* A document of the registry, parsed. Returns 1, 0 if it is not there, or -1. */
static int
get_parsed(struct registry *registry, const char *name, struct registry_manifest *ret_manifest,
	   struct oci_parsed *ret_parsed, struct error *err)
{
	struct registry_manifest manifest = {.media_type = NULL};
	auto_free char *text = NULL;
	int result = registry_get_manifest(registry, name, &manifest, &text, err);

	if (result == 1 && oci_parse(name, text, (size_t)manifest.size, ret_parsed, err) < 0)
		result = -1;
	if (result == 1 && ret_manifest != NULL)
		*ret_manifest = manifest;
	else
		registry_manifest_clear(&manifest);
	return result;
}

/* The signature of one digest; `what` says which in the report. Returns 1 if it is good, 0 or -1. */
static int
verify_signature(const struct subject *subject, const struct digest *digest, const char *what,
		 struct error *err)
{
	AUTO(signature_set_clear) struct signature_set set = {NULL, 0, NULL};
	AUTO(oci_parsed_clear) struct oci_parsed manifest = OCI_PARSED_INIT;
	auto_free char *tag = signature_tag(digest), *signed_what = NULL;
	const struct keyring_entry *signer;
	int found = get_parsed(subject->registry, tag, NULL, &manifest, err);

	if (found < 0)
		return -1;
	if (found == 1 &&
	    signature_from_manifest(&manifest, read_layer, subject->registry, &set, err) < 0)
		return -1;
	if (image_check_signature(&set, digest, subject->signed_name, subject->keyring, &signer,
				  err) < 0) {
		error_prefix(err, "%s", what);
		verify_fail(subject->report, "signature", err);
		return 0;
	}
	signed_what = xasprintf("%s is signed as '%s'", what, subject->signed_name);
	verify_signed(subject->report, "signature", signer, signed_what, "");
	return 1;
}

/*
 * One entry of the list of referrers: 1 for a bundle by an allowed key, 0 with the reason in `why`
 * for anything else, however broken it is; -1 where the registry cannot be believed or asked.
 */
static int
check_referrer(const struct subject *subject, const struct digest *digest,
	       const struct oci_descriptor *entry, const struct keyring_entry **ret_signer,
	       struct error *why, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed manifest = OCI_PARSED_INIT;
	auto_free char *bundle = NULL;
	char name[OCI_DIGEST_SIZE];
	int found = get_parsed(subject->registry, oci_digest_text(&entry->digest, name), NULL,
			       &manifest, err);

	if (found == 1 && !signature_is_bundle(&manifest))
		return 0;
	if (found == 1 &&
	    read_layer(subject->registry, &manifest.layers.items[0], &bundle, err) < 0)
		found = -1;
	if (found < 0 && (err->code == ERR_INPUT || err->code == ERR_NOT_FOUND)) {
		*why = *err;
		return 0;
	}
	if (found <= 0)
		return found;
	return image_check_bundle(bundle, digest, subject->keyring, ret_signer, why) == 0;
}

/* Others may have put bundles there too; one of ours is enough. */
static int
verify_bundle(const struct subject *subject, const struct digest *digest, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed list = OCI_PARSED_INIT;
	struct error last = ERROR_INIT;
	int left = MAX_BUNDLES;

	error_set(&last, ERR_VERIFY, "the registry has no sigstore bundle for it");
	if (registry_referrers(subject->registry, digest, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.manifests.count; i++) {
		const struct keyring_entry *signer;
		int ours;

		if (!signature_may_be_bundle(&list.manifests.items[i]))
			continue;
		if (left-- == 0) {
			error_set(
				&last, ERR_VERIFY,
				"none of the first %d sigstore bundles is signed by an allowed key",
				MAX_BUNDLES);
			break;
		}
		ours = check_referrer(subject, digest, &list.manifests.items[i], &signer, &last,
				      err);
		if (ours < 0)
			return -1;
		if (ours == 1) {
			verify_signed(subject->report, "bundle", signer, "sigstore bundle, signed",
				      "");
			return 0;
		}
	}
	verify_note(subject->report, "bundle", VERIFY_SKIPPED, "%s", last.message);
	return 0;
}

/* Of an index whose own signature is good: who else may say how many requests are made? */
static int
verify_children(const struct subject *subject, const struct oci_parsed *index, struct error *err)
{
	if (index->manifests.count > MAX_IMAGES) {
		verify_note(subject->report, "signature", VERIFY_FAILED,
			    "the index lists %zu images, at most %d are supported",
			    index->manifests.count, MAX_IMAGES);
		return 0;
	}
	for (size_t i = 0; i < index->manifests.count; i++) {
		const struct oci_descriptor *child = &index->manifests.items[i];
		auto_free char *what =
			xasprintf("the image for %s/%s%s%s", child->os != NULL ? child->os : "?",
				  child->architecture != NULL ? child->architecture : "?",
				  child->variant != NULL ? "/" : "",
				  child->variant != NULL ? child->variant : "");

		if (verify_signature(subject, &child->digest, what, err) < 0)
			return -1;
	}
	return 0;
}

static void
note_image(const struct subject *subject, const struct reference *reference,
	   const struct digest *digest)
{
	char got[OCI_DIGEST_SIZE], want[OCI_DIGEST_SIZE];

	(void)oci_digest_text(digest, got);
	if (reference->tag == NULL)
		verify_note(subject->report, "image", VERIFY_OK, "the registry has %s", got);
	else if (reference->has_digest && !digest_equal(digest, &reference->digest))
		verify_note(subject->report, "image", VERIFY_FAILED, "'%s' is %s, expected %s",
			    reference->tag, got, oci_digest_text(&reference->digest, want));
	else
		verify_note(subject->report, "image", VERIFY_OK, "'%s' is %s", reference->tag, got);
}

/*
 * The release that was asked for against the name that was signed: an older image may be signed as
 * `latest`, and only a name with the version says which release it is of.
 */
static void
note_release(const struct subject *subject, const struct reference *reference)
{
	const char *tag = subject->tag, *version = reference->tag != NULL
							   ? release_version_at_end(reference->tag)
							   : NULL;

	if (version == NULL)
		verify_note(subject->report, "version", VERIFY_SKIPPED,
			    "'%s' does not name a release and was not compared with %s",
			    subject->signed_name, tag);
	else if (tag[0] != 'v' || strcmp(version, tag + 1) != 0)
		verify_note(subject->report, "version", VERIFY_FAILED,
			    "'%s' is an image of v%s, not of %s", subject->signed_name, version,
			    tag);
	else
		verify_note(subject->report, "version", VERIFY_OK, "'%s' is an image of %s",
			    subject->signed_name, tag);
}

/* A name without tag is that of a digest, which the answer was compared with. */
static int
verify_subject(const struct subject *subject, const struct reference *reference, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
	struct registry_manifest manifest = {.media_type = NULL};
	char text[OCI_DIGEST_SIZE];
	const char *name =
		reference->tag != NULL ? reference->tag : oci_digest_text(&reference->digest, text);
	int found = get_parsed(subject->registry, name, &manifest, &parsed, err);
	struct digest digest = manifest.digest;

	registry_manifest_clear(&manifest);
	if (found < 0)
		return -1;
	if (found == 0)
		return error_set(err, ERR_DENIED, "the registry has no '%s'", name);
	note_image(subject, reference, &digest);
	found = verify_signature(subject, &digest,
				 parsed.manifests.count != 0 ? "the index" : "the image", err);
	if (found == 0 && parsed.manifests.count != 0)
		verify_note(subject->report, "signature", VERIFY_SKIPPED,
			    "%zu images were not verified: their index has no valid signature",
			    parsed.manifests.count);
	if (found < 0 || (found == 1 && verify_children(subject, &parsed, err) < 0))
		return -1;
	if (found == 1 && subject->tag != NULL)
		note_release(subject, reference);
	return verify_bundle(subject, &digest, err);
}

/* The name that has to be in the signature. */
static int
name_signed(const struct reference *reference, const char *signed_as, char **ret_name,
	    struct error *err)
{
	AUTO(reference_clear) struct reference published = REFERENCE_INIT;
	auto_free char *repository = NULL;

	if (signed_as != NULL && reference_parse_repository(signed_as, &published, err) < 0)
		return -1;
	repository = reference_repository(signed_as != NULL ? &published : reference);
	*ret_name = reference->tag != NULL ? xasprintf("%s:%s", repository, reference->tag)
					   : TAKE(repository);
	return 0;
}

int
image_verify(const char *name, const struct image_verify_options *options,
	     const struct keyring *keyring, struct verify_report *report, struct error *err)
{
	AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
	AUTO(registry_freep) struct registry *registry = NULL;
	AUTO(http_client_freep) struct http_client *http = NULL;
	auto_free char *agent = xasprintf("distributor/%s", version_program());
	auto_free char *signed_name = NULL;
	const struct http_options http_options = {
		.user_agent = agent, .ca_file = options->access.ca_file, .notice = notice_info};
	const struct registry_options registry_options = {
		.auth = registry_access_auth(&options->access, options->anonymous
								       ? AUTH_LOGIN_NONE
								       : AUTH_LOGIN_OPTIONAL)};
	struct subject subject = {.keyring = keyring, .report = report, .tag = options->tag};
	int result;

	if (reference_parse(name, &reference, err) < 0)
		return -1;
	if (reference.tag == NULL && !reference.has_digest)
		reference.tag = xstrdup("latest");
	if (name_signed(&reference, options->signed_as, &signed_name, err) < 0 ||
	    http_client_new(&http_options, &http, err) < 0 ||
	    registry_open(http, &reference, &registry_options, &registry, err) < 0)
		return -1;
	subject.registry = registry;
	subject.signed_name = signed_name;
	result = verify_subject(&subject, &reference, err);
	/* Before the client that it borrows. */
	registry_freep(&registry);
	return result < 0 ? error_prefix(err, "cannot verify '%s'", name) : 0;
}
