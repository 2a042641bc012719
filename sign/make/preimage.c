/* SPDX-License-Identifier: MIT */
#include "sign/make/preimage.h"

#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"
#include "sign/check/sshsig.h"
#include "sign/check/wire.h"
#include "sign/make/key_internal.h"

#include <assert.h>
#include <string.h>

static bool
has_sshsig_shape(const uint8_t *bytes, size_t length)
{
	struct wire wire = {bytes, length}, after;
	const uint8_t *hash;
	size_t size;
	bool known = false;

	if (!bytes_start_with(bytes, length, SSHSIG_MAGIC))
		return false;
	wire.bytes += strlen(SSHSIG_MAGIC);
	wire.left -= strlen(SSHSIG_MAGIC);
	for (int i = 0; i < SSHSIG_NAMESPACES && !known; i++) {
		after = wire;
		known = wire_get_text(&after, sshsig_namespace_name((enum sshsig_namespace)i));
	}
	return known && wire_get_text(&after, "") && wire_get_text(&after, "sha512") &&
	       wire_get_string(&after, &hash, &size) && size == SHA512_SIZE && after.left == 0;
}

/* The comment is one line of text; TAB is the only control character that minisign takes. */
static bool
has_comment_shape(const uint8_t *bytes, size_t length)
{
	if (length <= SIGNATURE_SIZE)
		return false;
	for (size_t i = SIGNATURE_SIZE; i < length; i++)
		if ((bytes[i] < 0x20 && bytes[i] != '\t') || bytes[i] == 0x7f)
			return false;
	return true;
}

/* "DSSEv1 28 application/vnd.in-toto+json LENGTH {" with the true length. */
static bool
has_dsse_shape(const uint8_t *bytes, size_t length)
{
	static const char head[] = "DSSEv1 28 application/vnd.in-toto+json ";
	size_t at = strlen(head), count = 0;

	if (!bytes_start_with(bytes, length, head))
		return false;
	for (; at < length && bytes[at] >= '0' && bytes[at] <= '9' && count < length; at++)
		count = count * 10 + (size_t)(bytes[at] - '0');
	return at < length && bytes[at] == ' ' && count == length - at - 1 && count > 0 &&
	       bytes[at + 1] == '{';
}

bool
preimage_has_shape(enum preimage kind, const uint8_t *bytes, size_t length)
{
	switch (kind) {
	case PREIMAGE_SSHSIG:
		return has_sshsig_shape(bytes, length);
	case PREIMAGE_PREHASH:
		return length == BLAKE2B_SIZE;
	case PREIMAGE_COMMENT:
		return has_comment_shape(bytes, length);
	case PREIMAGE_DSSE:
		return has_dsse_shape(bytes, length);
	case PREIMAGE_SIMPLE:
		return bytes_start_with(bytes, length,
					"{\"critical\":{\"identity\":{\"docker-reference\":\"");
	}
	return false;
}

int
preimage_sign(const struct signer *signer, enum preimage kind, const uint8_t *bytes, size_t length,
	      uint8_t ret_signature[SIGNATURE_SIZE], struct error *err)
{
	uint8_t signature[SIGNATURE_SIZE];
	char have[FINGERPRINT_SIZE], want[FINGERPRINT_SIZE];

	assert(preimage_has_shape(kind, bytes, length));
	if (signing_key_use(signer->key, bytes, length, signature, err) < 0)
		return -1;
	if (ed25519_verify(&signer->published, bytes, length, signature, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(
			err, ERR_VERIFY,
			"the signature by key %s does not verify with the published key %s",
			public_key_fingerprint(signing_key_public(signer->key), have),
			public_key_fingerprint(&signer->published, want));
	}
	memcpy(ret_signature, signature, SIGNATURE_SIZE);
	return 0;
}
