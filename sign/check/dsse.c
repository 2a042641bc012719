/* SPDX-License-Identifier: MIT */
#include "sign/check/dsse.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"

#include <jansson.h>
#include <string.h>

/*
 * Signed bytes (DSSE's PAE): "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body
 *
 * There is exactly one signature and it has no "keyid": cosign 3 refuses the value that the bundle
 * specification asks for, and takes its absence like everybody else.
 */

void
dsse_clear(struct dsse *dsse)
{
	free(dsse->payload);
	free(dsse->hint);
	*dsse = (struct dsse)DSSE_INIT;
}

void
dsse_put_preimage(struct strbuf *buf, const char *payload, size_t length)
{
	strbuf_addf(buf, "DSSEv1 %zu %s %zu ", strlen(DSSE_PAYLOAD_TYPE), DSSE_PAYLOAD_TYPE,
		    length);
	strbuf_add(buf, payload, length);
}

/* A string member that has to be exactly this. */
static int
want_text(const struct jsonx_doc *doc, const json_t *object, const char *path, const char *key,
	  const char *want, struct error *err)
{
	auto_free char *where = jsonx_path(path, key);
	const char *have;

	if (jsonx_get_string(doc, object, path, key, &have, err) < 0)
		return -1;
	if (have == NULL || strcmp(have, want) != 0)
		return jsonx_error(doc, err, where, "must be \"%s\"", want);
	return 0;
}

static int
parse_material(const struct jsonx_doc *doc, struct dsse *dsse, struct error *err)
{
	static const struct jsonx_key keys[] = {{"publicKey", true},
						{"tlogEntries", false},
						{"timestampVerificationData", false},
						{NULL, false}};
	static const struct jsonx_key key_keys[] = {{"hint", true}, {NULL, false}};
	const char *path = "verificationMaterial", *key_path = "verificationMaterial.publicKey";
	const json_t *material = json_object_get(doc->root, path), *key;
	const char *hint;

	if (jsonx_check_keys(doc, material, path, keys, err) < 0)
		return -1;
	key = json_object_get(material, "publicKey");
	if (jsonx_check_keys(doc, key, key_path, key_keys, err) < 0 ||
	    jsonx_get_string(doc, key, key_path, "hint", &hint, err) < 0)
		return -1;
	dsse->hint = xstrdup(hint);
	return 0;
}

static int
parse_signature(const struct jsonx_doc *doc, const json_t *envelope, struct dsse *dsse,
		struct error *err)
{
	static const struct jsonx_key keys[] = {{"sig", true}, {"keyid", false}, {NULL, false}};
	const char *list_path = "dsseEnvelope.signatures", *path = "dsseEnvelope.signatures[0]";
	const json_t *list = json_object_get(envelope, "signatures");
	const json_t *item = json_array_get(list, 0);
	const char *sig;
	size_t length;

	if (json_array_size(list) != 1)
		return jsonx_error(doc, err, list_path, "must contain exactly one signature");
	if (jsonx_check_keys(doc, item, path, keys, err) < 0 ||
	    jsonx_get_string(doc, item, path, "sig", &sig, err) < 0)
		return -1;
	if (!base64_decode(sig, strlen(sig), dsse->signature, SIGNATURE_SIZE, &length) ||
	    length != SIGNATURE_SIZE)
		return jsonx_error(doc, err, path, "is not an Ed25519 signature");
	return 0;
}

static int
parse_payload(const struct jsonx_doc *doc, const json_t *envelope, struct dsse *dsse,
	      struct error *err)
{
	const char *path = "dsseEnvelope", *text;
	size_t room;

	if (want_text(doc, envelope, path, "payloadType", DSSE_PAYLOAD_TYPE, err) < 0 ||
	    jsonx_get_string(doc, envelope, path, "payload", &text, err) < 0)
		return -1;
	room = strlen(text) / 4 * 3;
	dsse->payload = xcalloc(room + 1, 1);
	if (!base64_decode(text, strlen(text), (uint8_t *)dsse->payload, room,
			   &dsse->payload_length))
		return jsonx_error(doc, err, "dsseEnvelope.payload", "is not base64");
	dsse->payload[dsse->payload_length] = '\0';
	return 0;
}

int
dsse_parse(const char *text, size_t length, struct dsse *ret_dsse, const char *name,
	   struct error *err)
{
	static const struct jsonx_key keys[] = {{"mediaType", true},
						{"verificationMaterial", true},
						{"dsseEnvelope", true},
						{NULL, false}};
	static const struct jsonx_key envelope_keys[] = {
		{"payload", true}, {"payloadType", true}, {"signatures", true}, {NULL, false}};
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
	const json_t *envelope;

	if (length > DSSE_MAX_TEXT)
		return error_set(err, ERR_INPUT, "'%s' is too large", name);
	if (jsonx_parse(name, text, length, &doc, err) < 0 ||
	    jsonx_check_keys(&doc, doc.root, "", keys, err) < 0 ||
	    want_text(&doc, doc.root, "", "mediaType", DSSE_BUNDLE_TYPE, err) < 0 ||
	    parse_material(&doc, &dsse, err) < 0)
		return -1;
	envelope = json_object_get(doc.root, "dsseEnvelope");
	if (jsonx_check_keys(&doc, envelope, "dsseEnvelope", envelope_keys, err) < 0 ||
	    parse_payload(&doc, envelope, &dsse, err) < 0 ||
	    parse_signature(&doc, envelope, &dsse, err) < 0)
		return -1;
	*ret_dsse = dsse;
	dsse = (struct dsse)DSSE_INIT;
	return 0;
}

bool
dsse_is_by(const struct dsse *dsse, const struct public_key *key)
{
	auto_free char *hint = public_key_hint(key);

	return strcmp(hint, dsse->hint) == 0;
}

int
dsse_check(const struct dsse *dsse, const struct public_key *key, const char *name,
	   struct error *err)
{
	AUTO(strbuf_clear) struct strbuf preimage = STRBUF_INIT;
	char fingerprint[FINGERPRINT_SIZE];

	dsse_put_preimage(&preimage, dsse->payload, dsse->payload_length);
	if (ed25519_verify(key, preimage.text, preimage.length, dsse->signature, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY,
				 "the signature of the statement in '%s' by key %s does not verify",
				 name, public_key_fingerprint(key, fingerprint));
	}
	return 0;
}
