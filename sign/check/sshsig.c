/* SPDX-License-Identifier: MIT */
#include "sign/check/sshsig.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"
#include "sign/check/wire.h"

#include <string.h>

/*
 * preimage  "SSHSIG", string namespace, string "", string hash name, string hash of the message
 * blob      "SSHSIG", uint32 1, string public key, string namespace, string "", string hash name,
 *           string { string "ssh-ed25519", string signature[64] }
 * armour    the BEGIN line, base64 of the blob in lines of 70, the END line
 */
enum { MAX_BLOB = SSHSIG_MAX_TEXT };

const char *
sshsig_namespace_name(enum sshsig_namespace name_space)
{
	static const char *const names[SSHSIG_NAMESPACES] = {"file", "git", "keys"};

	return names[name_space];
}

void
sshsig_put_preimage(struct strbuf *buf, const char *name_space, const char *hash_name,
		    const void *hash, size_t hash_size)
{
	strbuf_adds(buf, SSHSIG_MAGIC);
	wire_put_text(buf, name_space);
	wire_put_text(buf, "");
	wire_put_text(buf, hash_name);
	wire_put_string(buf, hash, hash_size);
}

/* The base64 between the two lines, with its line ends taken out; length of the result, or -1. */
static int
unwrap(const char *text, size_t length, char *ret_base64, size_t *ret_length)
{
	size_t begin = strlen(SSHSIG_BEGIN), end = strlen(SSHSIG_END), count = 0;

	if (length < begin + end || length > SSHSIG_MAX_TEXT ||
	    memcmp(text, SSHSIG_BEGIN, begin) != 0 ||
	    memcmp(text + length - end, SSHSIG_END, end) != 0 || text[length - end - 1] != '\n')
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
	struct wire wire = {blob + strlen(SSHSIG_MAGIC), 0};
	const uint8_t *key;
	size_t encoded_length, size;
	uint32_t version;

	if (unwrap(text, length, encoded, &encoded_length) < 0)
		return error_set(err, ERR_INPUT, "'%s' is not an armored SSH signature", name);
	if (!base64_decode(encoded, encoded_length, blob, sizeof(blob), &size) ||
	    size < strlen(SSHSIG_MAGIC) || memcmp(blob, SSHSIG_MAGIC, strlen(SSHSIG_MAGIC)) != 0)
		return error_set(err, ERR_INPUT, "the SSH signature in '%s' is damaged", name);
	wire.left = size - strlen(SSHSIG_MAGIC);
	if (!wire_get_uint32(&wire, &version) || !wire_get_string(&wire, &key, &size))
		return error_set(err, ERR_INPUT, "the SSH signature in '%s' is cut short", name);
	if (version != 1)
		return error_set(err, ERR_INPUT,
				 "the SSH signature in '%s' has version %u, expected 1", name,
				 version);
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
				 "the signature of '%s' is for the namespace '%s', expected '%s'",
				 name, sig->name_space, want);
	if (sig->hash == SSHSIG_SHA512) {
		sha512_of(bytes, length, hash);
		sshsig_put_preimage(&preimage, want, "sha512", hash, sizeof(hash));
	} else {
		digest_of(bytes, length, &digest);
		sshsig_put_preimage(&preimage, want, "sha256", digest.bytes, DIGEST_SIZE);
	}
	if (ed25519_verify(&sig->key, preimage.text, preimage.length, sig->signature, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY, "the signature of '%s' by key %s does not verify",
				 name, public_key_fingerprint(&sig->key, fingerprint));
	}
	return 0;
}
