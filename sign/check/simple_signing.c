/* SPDX-License-Identifier: MIT */
#include "sign/check/simple_signing.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"

#include <jansson.h>
#include <string.h>

void
simple_signing_clear(struct simple_signing *claim)
{
	free(claim->reference);
	*claim = (struct simple_signing)SIMPLE_SIGNING_INIT;
}

/* The one string member of an object that has no other. */
static int
only_text(const struct jsonx_doc *doc, const json_t *parent, const char *parent_name,
	  const char *key, const char **ret_text, struct error *err)
{
	const struct jsonx_key keys[] = {{key, true}, {NULL, false}};
	auto_free char *path = jsonx_path("critical", parent_name);
	const json_t *object = json_object_get(parent, parent_name);

	if (jsonx_check_keys(doc, object, path, keys, err) < 0)
		return -1;
	return jsonx_get_string(doc, object, path, key, ret_text, err);
}

static int
parse_claim(const struct jsonx_doc *doc, struct simple_signing *claim, struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"critical", true}, {"optional", false}, {NULL, false}};
	static const struct jsonx_key critical_keys[] = {
		{"identity", true}, {"image", true}, {"type", true}, {NULL, false}};
	const json_t *critical = json_object_get(doc->root, "critical");
	const char *reference, *manifest, *type;

	if (jsonx_check_keys(doc, doc->root, "", keys, err) < 0 ||
	    jsonx_check_keys(doc, critical, "critical", critical_keys, err) < 0 ||
	    jsonx_get_string(doc, critical, "critical", "type", &type, err) < 0 ||
	    only_text(doc, critical, "identity", "docker-reference", &reference, err) < 0 ||
	    only_text(doc, critical, "image", "docker-manifest-digest", &manifest, err) < 0)
		return -1;
	if (strcmp(type, SIMPLE_SIGNING_TYPE) != 0)
		return jsonx_error(doc, err, "critical.type", "must be \"%s\"",
				   SIMPLE_SIGNING_TYPE);
	if (!text_starts_with(manifest, "sha256:") ||
	    !digest_parse(manifest + strlen("sha256:"), &claim->manifest))
		return jsonx_error(doc, err, "critical.image", "is not a SHA-256");
	claim->reference = xstrdup(reference);
	return 0;
}

int
simple_signing_check(const char *payload, size_t length, const char *signature,
		     const struct public_key *key, struct simple_signing *ret_claim,
		     const char *name, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(simple_signing_clear) struct simple_signing claim = SIMPLE_SIGNING_INIT;
	char fingerprint[FINGERPRINT_SIZE];
	uint8_t bytes[SIGNATURE_SIZE];
	size_t size;

	if (length > SIMPLE_SIGNING_MAX_TEXT)
		return error_set(err, ERR_INPUT, "'%s' is too large", name);
	if (!base64_decode(signature, strlen(signature), bytes, sizeof(bytes), &size) ||
	    size != SIGNATURE_SIZE)
		return error_set(err, ERR_INPUT,
				 "the signature of '%s' is not an Ed25519 signature", name);
	if (ed25519_verify(key, payload, length, bytes, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY, "the signature of '%s' by key %s does not verify",
				 name, public_key_fingerprint(key, fingerprint));
	}
	if (jsonx_parse(name, payload, length, &doc, err) < 0 || parse_claim(&doc, &claim, err) < 0)
		return -1;
	*ret_claim = claim;
	claim = (struct simple_signing)SIMPLE_SIGNING_INIT;
	return 0;
}
