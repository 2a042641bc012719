/* SPDX-License-Identifier: MIT */
#include "sign/make/sshsig_sign.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"
#include "sign/check/key_list.h"
#include "sign/check/sshsig.h"
#include "sign/check/sums.h"
#include "sign/check/tag_object.h"
#include "sign/check/wire.h"
#include "sign/make/preimage.h"

#include <string.h>

enum { LINE = 70 }; /* characters of base64 in a line, as in ssh-keygen's armour */

static void
put_nested(struct strbuf *buf, const void *bytes, size_t length)
{
	AUTO(strbuf_clear) struct strbuf inner = STRBUF_INIT;

	wire_put_text(&inner, "ssh-ed25519");
	wire_put_string(&inner, bytes, length);
	wire_put_string(buf, inner.text, inner.length);
}

static char *
armour(const struct public_key *key, const char *name_space,
       const uint8_t signature[SIGNATURE_SIZE])
{
	AUTO(strbuf_clear) struct strbuf blob = STRBUF_INIT, text = STRBUF_INIT;
	auto_free char *encoded = NULL;
	size_t length;

	strbuf_adds(&blob, SSHSIG_MAGIC);
	wire_put_uint32(&blob, 1);
	put_nested(&blob, key->bytes, PUBLIC_KEY_SIZE);
	wire_put_text(&blob, name_space);
	wire_put_text(&blob, "");
	wire_put_text(&blob, "sha512");
	put_nested(&blob, signature, SIGNATURE_SIZE);
	encoded = base64_encode(blob.text, blob.length);
	length = strlen(encoded);
	strbuf_adds(&text, SSHSIG_BEGIN);
	for (size_t i = 0; i < length; i += LINE)
		strbuf_addf(&text, "%.*s\n", LINE, encoded + i);
	strbuf_adds(&text, SSHSIG_END);
	return strbuf_take(&text);
}

static int
sign_in(const struct signer *signer, enum sshsig_namespace name_space, const char *text,
	size_t length, char **ret_armour, struct error *err)
{
	const char *name = sshsig_namespace_name(name_space);
	AUTO(strbuf_clear) struct strbuf preimage = STRBUF_INIT;
	uint8_t hash[SHA512_SIZE], signature[SIGNATURE_SIZE];

	sha512_of(text, length, hash);
	sshsig_put_preimage(&preimage, name, "sha512", hash, sizeof(hash));
	if (preimage_sign(signer, PREIMAGE_SSHSIG, (const uint8_t *)preimage.text, preimage.length,
			  signature, err) < 0)
		return -1;
	*ret_armour = armour(&signer->published, name, signature);
	return 0;
}

int
sshsig_sign_sums(const struct signer *signer, const char *text, size_t length, char **ret_armour,
		 struct error *err)
{
	AUTO(sums_clear) struct sums sums = SUMS_INIT;

	if (sums_parse(text, length, &sums, "SHA256SUMS", err) < 0)
		return -1;
	return sign_in(signer, SSHSIG_FILE, text, length, ret_armour, err);
}

int
sshsig_sign_tag(const struct signer *signer, const char *text, size_t length, char **ret_armour,
		struct error *err)
{
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;

	if (tag_object_parse(text, length, &tag, "the tag", err) < 0)
		return -1;
	if (tag.signature != NULL)
		return error_set(err, ERR_INPUT, "tag '%s' is already signed", tag.name);
	return sign_in(signer, SSHSIG_GIT, text, length, ret_armour, err);
}

int
sshsig_sign_keys(const struct signer *signer, const char *text, size_t length, char **ret_armour,
		 struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	auto_free char *copy = xstrndup(text, length);
	enum keyring_role role = KEYRING_ALLOWED;
	struct keyring_stamp stamp;

	/* The text says which list it is, so that its signature serves for no other. */
	if (!key_list_stamp(copy, KEYRING_ALLOWED, &stamp)) {
		role = KEYRING_REVOKED;
		if (!key_list_stamp(copy, KEYRING_REVOKED, &stamp))
			return error_set(err, ERR_INPUT,
					 "the list of keys does not begin with '# ROLE serial N "
					 "DATE'");
	}
	if (keyring_parse(text, length, role, &keyring, "the list of keys", err) < 0)
		return -1;
	return sign_in(signer, SSHSIG_KEYS, text, length, ret_armour, err);
}
