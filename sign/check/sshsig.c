/* SPDX-License-Identifier: MIT */
#include "sign/check/sshsig.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/key_list.h"
#include "sign/check/sums.h"
#include "sign/check/tag_object.h"
#include "sign/check/wire.h"

#include <string.h>

/*
 * preimage  "SSHSIG", string namespace, string "", string hash name, string hash of the message
 * blob      "SSHSIG", uint32 1, string public key, string namespace, string "", string hash name,
 *           string { string "ssh-ed25519", string signature[64] }
 * armour    the BEGIN line, base64 of the blob in lines of 70, the END line
 */
enum { LINE = 70, MAX_BLOB = SSHSIG_MAX_TEXT };

static const char armour_end[] = "-----END SSH SIGNATURE-----\n";
static const char magic[] = "SSHSIG";

const char *
sshsig_namespace_name(enum sshsig_namespace name_space)
{
	static const char *const names[SSHSIG_NAMESPACES] = {"file", "git", "keys"};

	return names[name_space];
}

static void
put_preimage(struct strbuf *buf, const char *name_space, const char *hash_name, const void *hash,
	     size_t hash_size)
{
	strbuf_adds(buf, magic);
	wire_put_text(buf, name_space);
	wire_put_text(buf, "");
	wire_put_text(buf, hash_name);
	wire_put_string(buf, hash, hash_size);
}

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

	strbuf_adds(&blob, magic);
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
	strbuf_adds(&text, armour_end);
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
	put_preimage(&preimage, name, "sha512", hash, sizeof(hash));
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
		return error_set(err, ERR_INPUT, "the tag '%s' is signed already", tag.name);
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

/* The base64 between the two lines, with its line ends taken out; length of the result, or -1. */
static int
unwrap(const char *text, size_t length, char *ret_base64, size_t *ret_length)
{
	size_t begin = strlen(SSHSIG_BEGIN), end = strlen(armour_end), count = 0;

	if (length < begin + end || length > SSHSIG_MAX_TEXT ||
	    memcmp(text, SSHSIG_BEGIN, begin) != 0 ||
	    memcmp(text + length - end, armour_end, end) != 0 || text[length - end - 1] != '\n')
		return -1;
	for (size_t i = begin; i < length - end; i++)
		if (text[i] != '\n')
			ret_base64[count++] = text[i];
	*ret_length = count;
	return 0;
}

static bool
copy_text(const uint8_t *bytes, size_t length, char *text, size_t room)
{
	if (length == 0 || length >= room || memchr(bytes, '\0', length) != NULL)
		return false;
	memcpy(text, bytes, length);
	text[length] = '\0';
	return true;
}

/* The fields after the public key. */
static bool
parse_fields(struct wire wire, struct sshsig *sig)
{
	const uint8_t *bytes;
	size_t length;
	struct wire inner;

	if (!wire_get_string(&wire, &bytes, &length) ||
	    !copy_text(bytes, length, sig->name_space, sizeof(sig->name_space)) ||
	    !wire_get_text(&wire, ""))
		return false;
	if (wire_get_text(&wire, "sha512"))
		sig->hash = SSHSIG_SHA512;
	else if (wire_get_text(&wire, "sha256"))
		sig->hash = SSHSIG_SHA256;
	else
		return false;
	if (!wire_get_string(&wire, &bytes, &length) || wire.left != 0)
		return false;
	inner = (struct wire){bytes, length};
	if (!wire_get_text(&inner, "ssh-ed25519") || !wire_get_string(&inner, &bytes, &length) ||
	    length != SIGNATURE_SIZE || inner.left != 0)
		return false;
	memcpy(sig->signature, bytes, SIGNATURE_SIZE);
	return true;
}

int
sshsig_parse(const char *text, size_t length, struct sshsig *ret_sig, const char *name,
	     struct error *err)
{
	char encoded[SSHSIG_MAX_TEXT];
	uint8_t blob[MAX_BLOB];
	struct sshsig sig = {.hash = SSHSIG_SHA512};
	struct wire wire = {blob + strlen(magic), 0};
	const uint8_t *key;
	size_t encoded_length, size;
	uint32_t version;

	if (unwrap(text, length, encoded, &encoded_length) < 0)
		return error_set(err, ERR_INPUT, "'%s' is not an armoured SSH signature", name);
	if (!base64_decode(encoded, encoded_length, blob, sizeof(blob), &size) ||
	    size < strlen(magic) || memcmp(blob, magic, strlen(magic)) != 0)
		return error_set(err, ERR_INPUT, "the SSH signature in '%s' is damaged", name);
	wire.left = size - strlen(magic);
	if (!wire_get_uint32(&wire, &version) || !wire_get_string(&wire, &key, &size))
		return error_set(err, ERR_INPUT, "the SSH signature in '%s' is cut short", name);
	if (version != 1)
		return error_set(err, ERR_INPUT, "the SSH signature in '%s' has version %u, not 1",
				 name, version);
	if (public_key_parse_ssh_blob(key, size, &sig.key, name, err) < 0)
		return -1;
	if (!parse_fields(wire, &sig))
		return error_set(err, ERR_INPUT, "the SSH signature in '%s' is damaged", name);
	*ret_sig = sig;
	return 0;
}

int
sshsig_check(const struct sshsig *sig, enum sshsig_namespace name_space, const void *bytes,
	     size_t length, const char *name, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf preimage = STRBUF_INIT;
	const char *want = sshsig_namespace_name(name_space);
	char fingerprint[FINGERPRINT_SIZE];
	uint8_t hash[SHA512_SIZE];
	struct digest digest;

	if (strcmp(sig->name_space, want) != 0)
		return error_set(err, ERR_VERIFY,
				 "the signature of '%s' is for the namespace '%s', not '%s'", name,
				 sig->name_space, want);
	if (sig->hash == SSHSIG_SHA512) {
		sha512_of(bytes, length, hash);
		put_preimage(&preimage, want, "sha512", hash, sizeof(hash));
	} else {
		digest_of(bytes, length, &digest);
		put_preimage(&preimage, want, "sha256", digest.bytes, DIGEST_SIZE);
	}
	if (ed25519_verify(&sig->key, preimage.text, preimage.length, sig->signature, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY, "'%s' is not what key %s signed", name,
				 public_key_fingerprint(&sig->key, fingerprint));
	}
	return 0;
}
